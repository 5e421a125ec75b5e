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

"""A real bus on loopback: bytes pass through, mismatches are named, late joiners are served."""

import time

import numpy as np
import pytest

pytest.importorskip('cyclonedds')

from xspec_ros.dds.participant import Bus
from xspec_ros.dds.qos import LATCHED, Profile, RESULT, SENSOR
from xspec_ros.errors import ConfigError, MessageError
from xspec_ros.messages.image import encode_image
from xspec_ros.messages.labels import encode_label_info
from xspec_ros.messages.topics import IMAGE_TYPE, LABEL_INFO_TYPE
from xspec_ros.messages.typestore import type_hash

DEADLINE_S = 10.0


def eventually(condition, bus):
    """Wait for something that the bus brings about; its wake-ups are the clock."""
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        if found := condition():
            return found
        bus.wait(0.02)
    return condition()


def picture(value=7, size_hw=(48, 64)):
    pixels = np.full(size_hw, value, np.uint8)
    return encode_image(pixels, stamp_ns=value, frame_id='thermal', encoding='mono8')


def padded(cdr):
    return cdr + bytes(-len(cdr) % 4)


@pytest.mark.parametrize('profile', [SENSOR, RESULT])
def test_image_passes_through_byte_for_byte(bus, peer, profile):
    reader = bus.reader('/t/image', IMAGE_TYPE, SENSOR)
    writer = peer.writer('/t/image', IMAGE_TYPE, profile)
    assert eventually(lambda: reader.matched() and writer.matched(), bus)
    sent = picture(size_hw=(480, 640))
    assert writer.write(sent)
    assert eventually(reader.take, bus) == [padded(sent)]


def test_taking_survives_a_writer_that_leaves(bus, domain):
    reader = bus.reader('/t/leaves', IMAGE_TYPE, SENSOR)
    with Bus(domain) as other:
        writer = other.writer('/t/leaves', IMAGE_TYPE, RESULT)
        assert eventually(lambda: reader.matched() and writer.matched(), bus)
    assert eventually(lambda: reader.matched() == 0, bus)
    assert reader.take() == []


def test_late_joiner_gets_the_latched_message(bus, peer):
    writer = bus.writer('/t/labels', LABEL_INFO_TYPE, LATCHED)
    cdr = encode_label_info(['road', 'sky'], stamp_ns=0, frame_id='', threshold=0.0)
    assert writer.write(cdr)
    reader = peer.reader('/t/labels', LABEL_INFO_TYPE, LATCHED)
    assert eventually(reader.take, peer) == [padded(cdr)]


def test_best_effort_writer_and_reliable_reader_name_the_policy(bus, peer):
    reader = bus.reader('/t/qos', IMAGE_TYPE, RESULT)
    writer = peer.writer('/t/qos', IMAGE_TYPE, SENSOR)
    assert eventually(reader.incompatible, bus) == 'reliability'
    assert eventually(writer.incompatible, bus) == 'reliability'
    assert reader.matched() == 0


def test_volatile_writer_and_latched_reader_name_the_policy(bus, peer):
    reader = bus.reader('/t/durable', IMAGE_TYPE, LATCHED)
    writer = peer.writer('/t/durable', IMAGE_TYPE, Profile())
    assert eventually(reader.incompatible, bus) == 'durability'
    assert writer.matched() == 0


def test_writers_in_sight_are_listed_with_type_and_hash(bus, peer):
    writer = peer.writer('/t/listed', IMAGE_TYPE, SENSOR)
    found = eventually(
        lambda: [entry for entry in bus.publications() if entry.topic == '/t/listed'], bus
    )
    assert found[0].type_name == IMAGE_TYPE
    assert found[0].type_hash == type_hash(IMAGE_TYPE)
    assert (found[0].reliable, found[0].transient_local, found[0].own) == (False, False, False)
    assert [entry.own for entry in peer.publications() if entry.topic == '/t/listed'] == [True]
    assert writer.topic == '/t/listed'


def test_other_type_on_the_topic_can_be_told(bus, peer):
    reader = bus.reader('/t/type', IMAGE_TYPE, SENSOR)
    writer = peer.writer('/t/type', LABEL_INFO_TYPE, RESULT)
    found = eventually(
        lambda: [entry.type_name for entry in bus.publications() if entry.topic == '/t/type'], bus
    )
    assert found == [LABEL_INFO_TYPE]
    assert reader.matched() == writer.matched() == 0


@pytest.mark.parametrize('cdr', [b'', b'\0\1\0\0', picture()[:-9]])
def test_damaged_bytes_are_refused_at_writing(bus, cdr):
    writer = bus.writer('/t/damaged', IMAGE_TYPE, RESULT)
    with pytest.raises(MessageError) as caught:
        writer.write(cdr)
    assert caught.value.reason == 'cdr'


def test_waiting_ends_when_woken(bus):
    bus.wake()
    assert bus.wait(DEADLINE_S)
    assert not bus.wait(0.0)


def test_unusable_configuration_is_named(domain, monkeypatch):
    monkeypatch.setenv('CYCLONEDDS_URI', '<CycloneDDS><Domain><Nonsense/></Domain></CycloneDDS>')
    with pytest.raises(ConfigError, match='CYCLONEDDS_URI'):
        Bus(domain + 101)


def test_secured_graph_is_refused(domain, monkeypatch):
    monkeypatch.setenv('ROS_SECURITY_ENABLE', 'true')
    monkeypatch.setenv('ROS_SECURITY_STRATEGY', 'Enforce')
    with pytest.raises(ConfigError, match='secured'):
        Bus(domain)
