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

"""record_pairs.launch.py with two cameras: pairs on disk, and a bag that is whole at the end."""

from __future__ import annotations

from pathlib import Path
import tempfile
from typing import TYPE_CHECKING
import unittest

from diagnostic_msgs.msg import DiagnosticArray
import launch_testing
from launch_testing.asserts import assertExitCodes
from user import describe, User

from xspec_ros.bag.reader import BagReader
from xspec_ros.messages.diagnostics import decode_diagnostics

if TYPE_CHECKING:
    from launch import LaunchDescription

OUT = Path(tempfile.mkdtemp(prefix='pairs'))


def generate_test_description() -> LaunchDescription:
    """Start it for two cameras, keeping whatever comes."""
    return describe(
        'record_pairs.launch.py', out=str(OUT), rate_hz='100.0', thermal='/film', rgb='/colour'
    )


class TestRecorder(unittest.TestCase):
    """What the launched node does."""

    def test_pairs_are_kept_and_told(self):
        user = User()
        self.addCleanup(user.close)
        user.film('/film')
        user.film('/colour', colour=True)
        user.graph.listen(DiagnosticArray, '/diagnostics')

        def kept() -> bool:
            statuses = [
                status
                for cdr in user.graph.heard['/diagnostics']
                for status in decode_diagnostics(cdr)
            ]
            return any(int(status.values.get('kept', '0')) > 1 for status in statuses)

        assert user.graph.wait_until(kept, 60.0)


@launch_testing.post_shutdown_test()
class TestEnd(unittest.TestCase):
    """What the launched node leaves behind."""

    def test_it_ends_cleanly_with_a_whole_bag(self, proc_info):
        assertExitCodes(proc_info)
        (bag,) = OUT.glob('*.mcap')
        with BagReader(bag) as reader:
            topics = [record.topic for record in reader.messages()]
            assert reader.tear is None
        assert topics.count('/film') == topics.count('/colour') > 1
