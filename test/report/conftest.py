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

from __future__ import annotations

import pytest

from xspec_ros.report.data import FrameNote


@pytest.fixture
def notes():
    """Return a function that makes notes of answered frames, the first the worst."""

    def make(count=20, *, judged=True):
        return tuple(
            FrameNote(
                time_s=index / 10,
                outcome='answered',
                stamp_ns=index,
                confidence=1 - index / count,
                score=index / count if judged else None,
                total_ms=2.0 + index,
            )
            for index in range(count)
        )

    return make
