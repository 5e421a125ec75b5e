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

"""What an earlier stage of the same method hands on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xspec_ros.errors import DataError

if TYPE_CHECKING:
    from torch import nn

    from xspec_ros.learn.methods.method import Start


def take_stage(method: nn.Module, start: Start) -> None:
    """Load the whole state of an earlier stage, in place.

    Args:
        method: The method that goes on.
        start: What a stage of the same method left.

    Raises:
        DataError: The two do not hold the same.
    """
    try:
        method.load_state_dict(dict(start.state))
    except RuntimeError as err:
        message = f'the earlier stage of {start.method} does not fit: {err}'
        raise DataError(message, hint='both stages need the same network') from err
