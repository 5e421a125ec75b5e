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

"""perception.launch.py with a camera, a namespace, an overlay and arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING
import unittest

import launch_testing
from launch_testing.asserts import assertExitCodes
from user import describe, User

if TYPE_CHECKING:
    from launch import LaunchDescription


def generate_test_description() -> LaunchDescription:
    """Start the nodes for an Optris camera; an RGB camera is named but absent."""
    return describe(
        'perception.launch.py',
        namespace='front',
        thermal_camera='optris',
        rgb='colour',
        overlay='true',
        log_level='warn',
    )


class TestPerception(unittest.TestCase):
    """What the launched nodes do."""

    def test_pictures_are_answered_and_drawn(self):
        user = User()
        self.addCleanup(user.close)
        user.film('/front/thermal_image')
        assert user.sees('/front/perception/segmentation')
        assert user.sees('/front/perception/overlay')
        assert user.state_of('/front/perception') == 'active'
        assert user.parameter_of('/front/perception', 'radiometry') == 'optris'
        for node in ('/front/perception', '/front/overlay'):
            assert user.parameter_of(node, 'thermal.topic') == 'thermal_image'
            assert user.parameter_of(node, 'rgb.topic') == 'colour'


@launch_testing.post_shutdown_test()
class TestEnd(unittest.TestCase):
    """How the launched nodes end."""

    def test_every_process_ends_cleanly(self, proc_info):
        assertExitCodes(proc_info)
        assert len(proc_info.process_names()) == 2
