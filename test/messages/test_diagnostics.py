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

"""Diagnostics survive the wire."""

from xspec_ros.messages.diagnostics import decode_diagnostics, encode_diagnostics, Status, WARN
from xspec_ros.messages.topics import DIAGNOSTICS_TYPE
from xspec_ros.messages.typestore import typestore

STATUSES = (
    Status(level=WARN, name='perception: input', message='slow', values={'rate_hz': '9.0'}),
    Status(level=0, name='perception: engine', message='', hardware_id='cpu'),
)


def test_statuses_come_back():
    assert decode_diagnostics(encode_diagnostics(STATUSES, stamp_ns=1)) == STATUSES


def test_rosbags_reads_the_same():
    message = typestore().deserialize_cdr(
        encode_diagnostics(STATUSES, stamp_ns=1), DIAGNOSTICS_TYPE
    )
    assert [status.level for status in message.status] == [WARN, 0]
    assert message.status[0].values[0].key == 'rate_hz'


def test_no_statuses_are_a_message_too():
    assert decode_diagnostics(encode_diagnostics((), stamp_ns=1)) == ()
