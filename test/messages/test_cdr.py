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

"""The reader refuses what does not fit and mends text; the writer keeps stamps."""

import struct

from hypothesis import given, settings
from hypothesis import strategies as st
import pytest

from xspec_ros.errors import MessageError
from xspec_ros.messages.cdr import CdrReader, CdrWriter, peek_stamp_ns, split_stamp


def text_message(raw: bytes) -> bytes:
    return b'\0\1\0\0' + struct.pack('<I', len(raw)) + raw


@pytest.mark.parametrize(
    ('raw', 'text', 'odd'),
    [
        (b'camera\0', 'camera', False),
        (b'', '', False),
        (b'no end', 'no end', False),
        (b'a\0b\0', 'a', True),
        (b'\0\0', '', True),
        (b'\xffx\0', '\ufffdx', True),
    ],
)
def test_text_is_read_as_rclpy_reads_it(raw, text, odd):
    reader = CdrReader(text_message(raw), 'T')
    assert reader.text() == text
    assert reader.odd_text is odd


@pytest.mark.parametrize(
    'header', [b'', b'\0\1', b'\0\3\0\0', b'\0\7\0\0', b'\0\x0b\0\0', b'\1\1\0\0']
)
def test_other_encapsulations_are_refused(header):
    with pytest.raises(MessageError) as caught:
        CdrReader(header, 'T')
    assert caught.value.reason == 'cdr'


def test_absurd_length_is_refused_before_any_allocation():
    with pytest.raises(MessageError, match='4294967295'):
        CdrReader(b'\0\1\0\0' + b'\xff' * 4, 'T').payload()


def test_payload_is_a_view():
    buffer = bytearray(text_message(b'abc'))
    view = CdrReader(buffer, 'T').payload()
    buffer[8] = 0
    assert view.tolist() == [0, ord('b'), ord('c')]


def test_leftover_bytes_are_refused_but_padding_is_not():
    CdrReader(b'\0\1\0\0' + bytes(3), 'T').finish()
    with pytest.raises(MessageError, match='left over'):
        CdrReader(b'\0\1\0\0' + bytes(4), 'T').finish()


@settings(max_examples=50)
@given(st.integers(-(2**31), 2**31 - 1), st.integers(0, 2**32 - 1))
def test_any_stamp_on_the_wire_can_be_written_again(seconds, nanoseconds):
    sent = b'\0\1\0\0' + struct.pack('<iI', seconds, nanoseconds)
    stamp_ns = CdrReader(sent, 'T').stamp_ns()
    writer = CdrWriter()
    writer.stamp_ns(stamp_ns)
    assert CdrReader(writer.finish(), 'T').stamp_ns() == stamp_ns


def test_usual_stamps_split_into_seconds_and_nanoseconds():
    assert split_stamp(1_500_000_000) == (1, 500_000_000)
    assert split_stamp(-1) == (-1, 999_999_999)


def test_written_text_carries_no_nul():
    writer = CdrWriter()
    writer.text('a\0b')
    assert CdrReader(writer.finish(), 'T').text() == 'ab'


def test_a_stamp_is_read_without_the_rest():
    writer = CdrWriter()
    writer.header(1_700_000_000_123_456_789, 'boson')
    assert peek_stamp_ns(writer.finish()) == 1_700_000_000_123_456_789
    assert peek_stamp_ns(b'\0\1\0\0\0\0') == 0
