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

"""live.launch.py: the DDS door beside ROS nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING
import unittest

import launch_testing
from launch_testing.asserts import assertExitCodes
from user import describe, User

if TYPE_CHECKING:
    from launch import LaunchDescription


def generate_test_description() -> LaunchDescription:
    """Start it for a camera on a topic of its own."""
    return describe('live.launch.py', thermal='/film')


class TestLive(unittest.TestCase):
    """What the launched process does."""

    def test_pictures_are_answered(self):
        user = User()
        self.addCleanup(user.close)
        user.film('/film')
        assert user.sees('/perception/segmentation')


@launch_testing.post_shutdown_test()
class TestEnd(unittest.TestCase):
    """How the launched process ends."""

    def test_it_ends_cleanly(self, proc_info):
        assertExitCodes(proc_info)
