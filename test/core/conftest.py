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

"""Frames of two cameras, and image messages as drivers send them."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from xspec_ros.core.frame import Frame, ImageMessage
from xspec_ros.core.sync import Paired, Unpaired

MS = 1_000_000
IMAGES = {'rgb': np.zeros((2, 2, 3), np.uint8), 'thermal': np.zeros((2, 2), np.uint16)}


# All fixtures are the session's: hypothesis refuses those made anew for each test.
@pytest.fixture(scope='session')
def frame():
    """Return a function that gives a tiny frame of a camera."""

    def build(modality, stamp_ms):
        return Frame(
            modality=modality,
            stamp_ns=round(stamp_ms * MS),
            frame_id=modality,
            image=IMAGES[modality],
            encoding='rgb8' if modality == 'rgb' else 'mono16',
        )

    return build


@pytest.fixture(scope='session')
def rgb(frame):
    """Return a function that gives an RGB frame."""
    return partial(frame, 'rgb')


@pytest.fixture(scope='session')
def thermal(frame):
    """Return a function that gives a thermal frame."""
    return partial(frame, 'thermal')


@pytest.fixture(scope='session')
def stream(frame):
    """Return a function that gives frames of one camera as (arrival, frame).

    Their stamps go from ``start_ms`` on.
    """

    def build(modality, rate_hz, seconds, *, start_ms=0.0, delay_ms=0.0):
        stamps = start_ms + np.arange(int(rate_hz * seconds)) * 1000.0 / rate_hz
        return [(stamp + delay_ms, frame(modality, stamp)) for stamp in stamps]

    return build


def sorted_by_arrival(*streams):
    return [item for _, item in sorted((e for s in streams for e in s), key=lambda e: e[0])]


@pytest.fixture(scope='session')
def in_order_of_arrival():
    """Return a function that merges streams into the frames of one."""
    return sorted_by_arrival


def push_all(sync, frames):
    return [event for item in frames for event in sync.push(item)]


@pytest.fixture(scope='session')
def feed():
    """Return a function that pushes frames into a synchroniser and returns its events."""
    return push_all


def stamps_of_pairs(events):
    return [
        (event.pair.thermal.stamp_ns / MS, event.pair.rgb.stamp_ns / MS)
        for event in events
        if isinstance(event, Paired)
    ]


@pytest.fixture(scope='session')
def pairs():
    """Return a function that gives the stamps, thermal and RGB, of the pairs among events."""
    return stamps_of_pairs


def stamps_of_unpaired(events):
    return [
        (event.frame.stamp_ns / MS, event.cause) for event in events if isinstance(event, Unpaired)
    ]


@pytest.fixture(scope='session')
def alone():
    """Return a function that gives the stamps and causes of the unpaired among events."""
    return stamps_of_unpaired


def nothing_is_lost(counts):
    for modality in ('rgb', 'thermal'):
        gone = (
            counts.dropped_old[modality]
            + counts.dropped_unpaired[modality]
            + counts.dropped_overflow[modality]
            + counts.dropped_duplicate[modality]
        )
        if counts.received[modality] != counts.paired + gone + counts.waiting[modality]:
            return False
    return True


@pytest.fixture(scope='session')
def balance_holds():
    """Return a function that tells whether every frame received is accounted for."""
    return nothing_is_lost


def build_message(data, *, height, width, encoding, step, is_bigendian=False, notes=()):
    return ImageMessage(
        stamp_ns=5,
        frame_id='camera',
        height=height,
        width=width,
        encoding=encoding,
        is_bigendian=is_bigendian,
        step=step,
        data=np.frombuffer(bytes(data), np.uint8),
        notes=notes,
    )


@pytest.fixture(scope='session')
def message():
    """Return a function that builds an image message around bytes, as the message layer does."""
    return build_message


def pack_image(image, encoding, *, padding=0, is_bigendian=False, tail=0, cut_last_row=False):
    sent = image.astype(image.dtype.newbyteorder('>' if is_bigendian else '<'))
    rows = [row.tobytes() for row in sent]
    filler = b'\xa5' * padding
    data = filler.join(rows) + (b'' if cut_last_row else filler) + b'\x5a' * tail
    return build_message(
        data,
        height=image.shape[0],
        width=image.shape[1],
        encoding=encoding,
        step=len(rows[0]) + padding,
        is_bigendian=is_bigendian,
    )


@pytest.fixture(scope='session')
def pack():
    """Return a function that lays an array out as a driver does.

    That is rows, padding, byte order and surplus bytes.
    """
    return pack_image
