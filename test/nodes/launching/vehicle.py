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

"""vehicle.launch.py with the example that is shipped."""

from __future__ import annotations

from typing import TYPE_CHECKING
import unittest

import launch_testing
from launch_testing.asserts import assertExitCodes
from user import describe, User

if TYPE_CHECKING:
    from launch import LaunchDescription


def generate_test_description() -> LaunchDescription:
    """Start both pairs of the example, one with an overlay."""
    return describe('vehicle.launch.py')


class TestVehicle(unittest.TestCase):
    """What the launched nodes do."""

    def test_every_pair_answers_with_its_own_parameters(self):
        user = User()
        self.addCleanup(user.close)
        for name, camera in (('front', 'flir_boson'), ('rear', 'lepton')):
            user.film(f'/{name}/{camera}/image_raw')
        for name, radiometry in (('front', 'counts'), ('rear', 'centikelvin')):
            node = f'/{name}/perception'
            assert user.sees(f'{node}/segmentation')
            assert user.state_of(node) == 'active'
            assert user.parameter_of(node, 'radiometry') == radiometry
            assert user.parameter_of(node, 'threads') == 2
        assert user.sees('/front/perception/overlay')


@launch_testing.post_shutdown_test()
class TestEnd(unittest.TestCase):
    """How the launched nodes end."""

    def test_every_process_ends_cleanly(self, proc_info):
        assertExitCodes(proc_info)
        assert len(proc_info.process_names()) == 3
