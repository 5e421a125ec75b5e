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

"""The harvest: which pairs of two cameras are kept, why the others are not, and the counts."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from xspec_ros.errors import ConfigError
from xspec_ros.messages.image import encode_image
from xspec_ros.messages.topics import CAMERA_INFO_TYPE, IMAGE_TYPE, RGB, THERMAL
from xspec_ros.perception.harvest import Harvest
from xspec_ros.perception.harvest_settings import HarvestSettings
from xspec_ros.perception.selection import GAP_SLACK
from xspec_ros.perception.settings import RgbInput, Settings
from xspec_ros.perception.shots import CameraMessage

SECOND = 1_000_000_000
PERIOD = SECOND // 10
COLOUR = np.random.default_rng(0).integers(0, 200, (6, 8, 3), np.uint8)


def thermal(stamp_ns, image=None):
    if image is None:
        image = np.random.default_rng(stamp_ns % 1009).integers(7000, 9000, (6, 8), np.uint16)
    cdr = encode_image(image, stamp_ns=stamp_ns, frame_id='t', encoding='mono16')
    return CameraMessage(topic=THERMAL, type_name=IMAGE_TYPE, cdr=cdr, arrived_ns=stamp_ns)


def rgb(stamp_ns, image=None):
    if image is None:
        image = np.random.default_rng(stamp_ns % 997).integers(0, 255, (6, 8, 3), np.uint8)
    cdr = encode_image(image, stamp_ns=stamp_ns, frame_id='c', encoding='rgb8')
    return CameraMessage(topic=RGB, type_name=IMAGE_TYPE, cdr=cdr, arrived_ns=stamp_ns)


def confidence(stamp_ns, value):
    image = np.full((6, 8), round(255 * value), np.uint8)
    return encode_image(image, stamp_ns=stamp_ns, frame_id='t', encoding='mono8')


class Field:
    """A harvest, what it kept, and what it is told to refuse."""

    def __init__(self, **changes):
        self.kept = []
        self.refusal = None
        self.harvest = Harvest(HarvestSettings(**changes), self.keep)

    def keep(self, pair):
        if self.refusal is None:
            self.kept.append(pair)
        return self.refusal

    def feed(self, stamps, image=None):
        for stamp_ns in stamps:
            self.harvest.accept('rgb', rgb(stamp_ns), stamp_ns)
            self.harvest.accept('thermal', thermal(stamp_ns, image), stamp_ns)

    @property
    def stamps(self):
        return [pair.stamp_ns for pair in self.kept]

    @property
    def skipped(self):
        return dict(self.harvest.counts.skipped)


def ticks(number, start=1):
    return [(start + index) * PERIOD for index in range(number)]


def check_counts(field):
    counts = field.harvest.counts
    assert counts.seen == field.harvest.pairing.paired
    assert counts.seen == counts.kept + sum(counts.skipped.values()) + field.harvest.waiting
    assert counts.kept == len(field.kept)


def test_rate_keeps_one_pair_a_period_and_counts_the_others():
    field = Field(rate_hz=2.0)
    field.feed(ticks(21))
    assert field.stamps == [PERIOD, 5 * PERIOD, 10 * PERIOD, 15 * PERIOD, 20 * PERIOD]
    assert field.skipped == {'rate': 16}
    check_counts(field)


def test_kept_pairs_have_the_very_messages():
    field = Field(rate_hz=100.0)
    field.feed(ticks(3))
    assert [pair.thermal.message for pair in field.kept] == [thermal(s) for s in ticks(3)]
    assert [pair.rgb.message for pair in field.kept] == [rgb(s) for s in ticks(3)]


def test_frames_without_partner_are_no_pairs():
    field = Field(rate_hz=100.0)
    for stamp_ns in ticks(5):
        field.harvest.accept('thermal', thermal(stamp_ns), stamp_ns)
    field.harvest.flush(0)
    assert field.harvest.counts.seen == 0
    check_counts(field)


def test_offsets_are_applied_to_pairing_and_not_to_the_messages():
    field = Field(rate_hz=100.0, rgb=RgbInput(stamp_offset_ms=-500.0))
    for stamp_ns in ticks(8):
        field.harvest.accept('rgb', rgb(stamp_ns + SECOND // 2), stamp_ns)
        field.harvest.accept('thermal', thermal(stamp_ns), stamp_ns)
    assert field.stamps == ticks(8)
    assert {pair.rgb.stamp_ns - pair.stamp_ns for pair in field.kept} == {SECOND // 2}


@pytest.mark.parametrize('mode', ['rate', 'trigger', 'uncertainty'])
def test_shutter_and_frozen_pictures_are_never_kept(mode):
    field = Field(keep_by=mode, rate_hz=100.0, below_confidence=1.0, before_pairs=0)
    if mode == 'trigger':
        field.harvest.trigger()
    still = np.random.default_rng(5).integers(7000, 9000, (6, 8), np.uint16)
    for number, image in enumerate((np.full((6, 8), 8000, np.uint16), still, still, still)):
        stamp_ns = ticks(4)[number]
        field.harvest.accept_confidence(confidence(stamp_ns, 0.1), stamp_ns)
        field.feed([stamp_ns], image)
    assert field.stamps == [2 * PERIOD]
    assert field.skipped == {'shutter': 3}
    check_counts(field)


def test_a_frozen_rgb_picture_is_not_kept_either():
    field = Field(rate_hz=100.0)
    for stamp_ns in ticks(3):
        field.harvest.accept('rgb', rgb(stamp_ns, COLOUR), stamp_ns)
        field.harvest.accept('thermal', thermal(stamp_ns), stamp_ns)
    assert field.stamps == [PERIOD]
    assert field.skipped == {'shutter': 2}


def test_standing_still_is_recorded_once():
    rng = np.random.default_rng(2)
    base = rng.integers(7000, 9000, (48, 64)).astype(np.uint16)
    field = Field(rate_hz=100.0, min_change=0.05)
    for stamp_ns in ticks(5):
        field.feed([stamp_ns], base + rng.integers(0, 20, base.shape).astype(np.uint16))
    field.feed(ticks(1, start=6), np.roll(base, 20, 1))
    assert field.stamps == [PERIOD, 6 * PERIOD]
    assert field.skipped == {'duplicate': 4}


def test_a_trigger_keeps_pairs_before_and_after_it():
    field = Field(keep_by='trigger', before_pairs=2, trigger_pairs=3)
    field.feed(ticks(5))
    assert field.kept == []
    assert field.harvest.trigger() == 2
    field.feed(ticks(5, start=6))
    assert field.stamps == [k * PERIOD for k in (4, 5, 6, 7, 8)]
    assert field.skipped == {'untriggered': 3}
    assert field.harvest.waiting == 2
    field.harvest.flush(0)
    assert field.skipped == {'untriggered': 5}
    check_counts(field)


def test_triggers_are_refused_in_other_modes():
    with pytest.raises(ConfigError, match='keep_by is rate'):
        Field().harvest.trigger()


def test_uncertain_pairs_are_kept_when_their_map_comes():
    field = Field(keep_by='uncertainty', rate_hz=100.0, below_confidence=0.6, least_certain=0.0)
    field.feed(ticks(3))
    assert field.harvest.waiting == 3
    for stamp_ns, value in zip(ticks(3), (0.9, 0.4, 0.5), strict=True):
        field.harvest.accept_confidence(confidence(stamp_ns, value), stamp_ns)
    assert field.stamps == [2 * PERIOD, 3 * PERIOD]
    assert field.skipped == {'certain': 1}
    assert field.harvest.median_confidence == pytest.approx(0.5, abs=0.01)
    check_counts(field)


def test_pairs_whose_map_does_not_come_are_counted():
    field = Field(keep_by='uncertainty', below_confidence=0.6, confidence_wait_ms=1000.0)
    field.feed(ticks(3))
    field.harvest.settle(10 * SECOND)
    assert field.skipped == {'no_confidence': 3}
    check_counts(field)


def test_a_map_that_cannot_be_read_is_passed_over():
    field = Field(keep_by='uncertainty', below_confidence=0.6)
    field.harvest.accept_confidence(b'\x00\x01\x00\x00abc', 1)
    assert field.harvest.counts.confidences == 0


@pytest.mark.parametrize('refusal', ['queue', 'budget', 'disk'])
def test_what_cannot_be_written_is_counted_and_does_not_use_up_the_rate(refusal):
    field = Field(rate_hz=1.0)
    field.refusal = refusal
    field.feed(ticks(2))
    field.refusal = None
    field.feed(ticks(1, start=3))
    assert field.stamps == [3 * PERIOD]
    assert field.skipped == {refusal: 2}
    check_counts(field)


def test_stamps_that_go_back_begin_an_epoch():
    field = Field(rate_hz=100.0)
    field.feed(ticks(20))
    field.feed(ticks(20))
    assert [pair.epoch for pair in field.kept] == [0] * 20 + [1] * 20
    assert field.stamps == ticks(20) * 2


def test_the_newest_calibration_goes_with_every_pair():
    field = Field(rate_hz=100.0)
    for number in range(2):
        info = CameraMessage(
            topic='/rgb/camera_info',
            type_name=CAMERA_INFO_TYPE,
            cdr=bytes([number]),
            arrived_ns=0,
        )
        field.harvest.accept_info('rgb', info)
    field.feed(ticks(1))
    assert field.kept[0].infos == (info,)


def test_messages_that_cannot_be_used_are_counted_by_reason():
    field = Field()
    broken = CameraMessage(topic=RGB, type_name=IMAGE_TYPE, cdr=b'1234', arrived_ns=0)
    field.harvest.accept('rgb', broken, 1)
    field.feed([0])
    assert field.harvest.counts.rejected == {
        'rgb': Counter(cdr=1, zero_stamp=1),
        'thermal': Counter(zero_stamp=1),
    }
    assert field.harvest.rejects('rgb', SECOND)
    assert not field.harvest.rejects('rgb', 10 * SECOND)


def test_changed_parameters_hold_from_the_next_pair_on():
    field = Field(rate_hz=100.0)
    field.feed(ticks(10))
    field.harvest.apply(HarvestSettings(rate_hz=1.0, slop_ms=20.0), now_ns=0)
    field.feed(ticks(10, start=11))
    assert field.stamps == [*ticks(10), 11 * PERIOD, 19 * PERIOD]
    check_counts(field)


def test_refused_parameters_change_nothing():
    field = Field(keep_by='uncertainty', below_confidence=0.5)
    nothing = HarvestSettings(keep_by='uncertainty', below_confidence=0.0, least_certain=0.0)
    with pytest.raises(ConfigError):
        field.harvest.apply(nothing, now_ns=0)
    assert field.harvest.settings.below_confidence == 0.5


def test_pairing_has_the_defaults_of_perception():
    names = ('slop_ms', 'max_wait_ms', 'jump_threshold_s', 'stale_after_s', 'ffc_max_s')
    names += ('max_image_bytes', 'max_pixels', 'allow_lossy_thermal', 'rgb', 'thermal')
    ours, theirs = HarvestSettings(), Settings()
    assert [getattr(ours, n) for n in names] == [getattr(theirs, n) for n in names]


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(['rgb', 'thermal', 'both', 'confidence', 'trigger', 'back']),
        st.integers(-SECOND // 5, SECOND // 2),
        st.floats(0.0, 1.0),
        st.sampled_from([None, None, None, 'queue']),
    ),
    max_size=60,
)


@settings(max_examples=150, deadline=None)
@given(
    mode=st.sampled_from(['rate', 'trigger', 'uncertainty']),
    rate_hz=st.floats(0.5, 20.0),
    before=st.integers(0, 4),
    events=EVENTS,
)
def test_whatever_comes_counts_add_up_and_the_rate_holds(mode, rate_hz, before, events):
    field = Field(
        keep_by=mode, rate_hz=rate_hz, before_pairs=before, trigger_pairs=2, below_confidence=0.5
    )
    stamp_ns, now_ns = 100 * SECOND, 0
    for kind, step_ns, value, refusal in events:
        field.refusal = refusal
        stamp_ns += -20 * SECOND if kind == 'back' and stamp_ns > 30 * SECOND else step_ns
        now_ns += abs(step_ns)
        if kind in ('rgb', 'both'):
            field.harvest.accept('rgb', rgb(stamp_ns), now_ns)
        if kind in ('thermal', 'both'):
            field.harvest.accept('thermal', thermal(stamp_ns), now_ns)
        if kind == 'confidence':
            field.harvest.accept_confidence(confidence(stamp_ns, value), now_ns)
        if kind == 'trigger' and mode == 'trigger':
            field.harvest.trigger()
        check_counts(field)
    field.harvest.flush(now_ns)
    check_counts(field)
    assert field.harvest.waiting == 0
    for before_pair, pair in zip(field.kept, field.kept[1:], strict=False):
        if pair.epoch == before_pair.epoch:
            gap_ns = pair.stamp_ns - before_pair.stamp_ns
            assert gap_ns > 0
            assert mode == 'trigger' or gap_ns >= (1 - GAP_SLACK) * SECOND / rate_hz - 1
