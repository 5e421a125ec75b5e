# Copyright 2026 xspec_ros maintainers
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""The receive buffer is judged against the images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xspec_ros.perception import buffers
from xspec_ros.perception.buffers import buffer_advice, receive_buffer_bytes

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_small_buffer_is_judged_against_two_images() -> None:
    assert buffer_advice(921_600, 4_194_304) == ''
    assert buffer_advice(921_600, None) == ''
    assert 'sysctl -w net.core.rmem_max=8388608' in buffer_advice(921_600, 212_992)
    assert 'rmem_max=33554432' in buffer_advice(10_000_000, 212_992)


def test_a_system_that_does_not_say_is_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buffers, 'RMEM_MAX', tmp_path / 'rmem_max')
    assert receive_buffer_bytes() is None
    (tmp_path / 'rmem_max').write_text('212992\n')
    assert receive_buffer_bytes() == 212_992
