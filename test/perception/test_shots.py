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

"""Camera messages: the bytes stay, the picture is looked at only where that is needed."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from xspec_ros.core.limits import DecodeLimits
from xspec_ros.errors import MessageError
from xspec_ros.messages.image import encode_compressed, encode_image
from xspec_ros.messages.topics import COMPRESSED_TYPE, IMAGE_TYPE
from xspec_ros.perception.shots import (
    CameraMessage,
    picture_topic,
    ShotPair,
    ShotReader,
)

LIMITS = DecodeLimits()
SECOND = 1_000_000_000


def counts(seed):
    return np.random.default_rng(seed).integers(7000, 9000, (24, 32), np.uint16)


def raw(image, stamp_ns, encoding='mono16', topic='/thermal/image_raw'):
    cdr = encode_image(image, stamp_ns=stamp_ns, frame_id='t', encoding=encoding)
    return CameraMessage(topic=topic, type_name=IMAGE_TYPE, cdr=cdr, arrived_ns=stamp_ns)


def packed(image, stamp_ns, kind, format_text, topic='/rgb/image_raw/compressed'):
    _, data = cv2.imencode(kind, image)
    cdr = encode_compressed(
        data.tobytes(), stamp_ns=stamp_ns, frame_id='c', format_text=format_text
    )
    return CameraMessage(topic=topic, type_name=COMPRESSED_TYPE, cdr=cdr, arrived_ns=stamp_ns)


def test_a_shot_has_the_picture_and_the_very_message():
    message = raw(counts(1), SECOND)
    shot = ShotReader('thermal').read(message, LIMITS)
    assert shot.message is message
    assert (shot.stamp_ns, shot.shutter, shot.frozen) == (SECOND, False, False)
    np.testing.assert_array_equal(shot.image, counts(1))


def test_sixteen_bit_png_is_decoded_whole():
    message = packed(counts(2), SECOND, '.png', '16UC1; png compressed ')
    shot = ShotReader('thermal').read(message, LIMITS)
    np.testing.assert_array_equal(shot.image, counts(2))


def test_compressed_rgb_is_judged_and_not_decompressed():
    picture = np.random.default_rng(0).integers(0, 255, (24, 32, 3), np.uint8)
    message = packed(picture, SECOND, '.jpg', 'rgb8; jpeg compressed bgr8')
    shot = ShotReader('rgb').read(message, LIMITS)
    assert shot.image.size == 0
    assert shot.stamp_ns == SECOND


def test_the_closed_shutter_is_seen():
    closed = raw(np.full((24, 32), 8000, np.uint16), SECOND)
    assert ShotReader('thermal').read(closed, LIMITS).shutter


def test_a_uniform_rgb_picture_is_no_shutter():
    night = raw(np.zeros((24, 32, 3), np.uint8), SECOND, 'rgb8')
    assert not ShotReader('rgb').read(night, LIMITS).shutter


@pytest.mark.parametrize('make', ['raw', 'packed'])
def test_a_repeated_picture_is_frozen(make):
    picture = np.random.default_rng(0).integers(0, 255, (24, 32, 3), np.uint8)
    reader = ShotReader('rgb')

    def shot(image, stamp_ns):
        if make == 'raw':
            return reader.read(raw(image, stamp_ns, 'rgb8'), LIMITS)
        return reader.read(packed(image, stamp_ns, '.jpg', 'jpeg'), LIMITS)

    found = [shot(picture, 1 * SECOND), shot(picture, 2 * SECOND), shot(255 - picture, 3 * SECOND)]
    assert [each.frozen for each in found] == [False, True, False]


@pytest.mark.parametrize(
    ('message', 'reason'),
    [
        (raw(counts(1), 0), 'zero_stamp'),
        (packed(counts(1) // 256, 1, '.jpg', 'mono16; jpeg compressed mono8'), 'lossy16'),
        (
            CameraMessage(topic='/t', type_name='std_msgs/msg/String', cdr=b'', arrived_ns=1),
            'type',
        ),
        (CameraMessage(topic='/t', type_name=IMAGE_TYPE, cdr=b'1234', arrived_ns=1), 'cdr'),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(message, reason):
    with pytest.raises(MessageError) as caught:
        ShotReader('thermal').read(message, LIMITS)
    assert caught.value.reason == reason


def test_a_pair_is_logged_when_it_was_complete_and_rgb_lies_first():
    thermal = ShotReader('thermal').read(raw(counts(1), SECOND), LIMITS)
    colour = np.zeros((24, 32, 3), np.uint8)
    rgb = ShotReader('rgb').read(raw(colour, SECOND + 7, 'rgb8', '/rgb/image_raw'), LIMITS)
    pair = ShotPair(thermal=thermal, rgb=rgb)
    assert pair.log_ns == SECOND + 7
    assert [message.topic for message in pair.pictures] == ['/rgb/image_raw', '/thermal/image_raw']
    assert pair.nbytes == len(thermal.message.cdr) + len(rgb.message.cdr)


@pytest.mark.parametrize(
    ('topic', 'type_name', 'expected'),
    [
        ('/rgb/image_raw', IMAGE_TYPE, '/rgb/image_raw'),
        ('/rgb/image_raw', COMPRESSED_TYPE, '/rgb/image_raw/compressed'),
        ('/rgb/image_raw/compressed', COMPRESSED_TYPE, '/rgb/image_raw/compressed'),
    ],
)
def test_compressed_pictures_have_their_own_topic(topic, type_name, expected):
    assert picture_topic(topic, type_name) == expected
