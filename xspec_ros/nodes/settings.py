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

"""Parameters that only the ROS node has, on top of those that every door shares."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from xspec_ros.perception.settings import Settings

START = {'change': 'start'}  # read once, when the node starts


class NodeSettings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of the perception node."""

    autostart: Annotated[
        bool, Meta(description='Configure and activate without being asked.', extra=START)
    ] = True
