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

"""Message bytes to work: what is taken, what is lost, and under which name."""

from __future__ import annotations

import numpy as np
import pytest

from xspec_ros.bundle.manifest import Tone
from xspec_ros.messages.image import encode_image
from xspec_ros.messages.topics import IMAGE_TYPE
from xspec_ros.perception.intake import Intake
from xspec_ros.perception.settings import Settings

SECOND = 1_000_000_000
PERIOD = SECOND // 9


def picture(seed: int, *, height: int = 24, width: int = 32) -> np.ndarray:
    return np.random.default_rng(seed).integers(7000, 9000, (height, width), np.uint16)


def message(image: np.ndarray, stamp_ns: int, encoding: str = 'mono16') -> bytes:
    return encode_image(image, stamp_ns=stamp_ns, frame_id='boson', encoding=encoding)


def intake(**changes: object) -> Intake:
    return Intake(Settings(**changes), Tone())


def feed(stream: Intake, stamps: list[int]) -> list[int]:
    """Push one thermal frame a stamp and return the stamps of the work that came of them."""
    works = []
    for index, stamp_ns in enumerate(stamps):
        works += stream.accept(
            'thermal', IMAGE_TYPE, message(picture(index), stamp_ns), received_ns=index + 1
        )
    return [work.thermal.stamp_ns for work in works if work.thermal]


def test_a_thermal_only_model_never_waits_for_rgb() -> None:
    assert feed(intake(), [SECOND, 2 * SECOND]) == [SECOND, 2 * SECOND]


def test_thermal_counts_stay_sixteen_bit_and_unscaled() -> None:
    stream = intake()
    [work] = stream.accept('thermal', IMAGE_TYPE, message(picture(3), SECOND), received_ns=1)
    assert work.thermal is not None
    np.testing.assert_array_equal(work.thermal.image, picture(3))
    low, high = work.tone
    assert 7000 <= low < high <= 9000


def test_a_shutter_frame_is_rejected_by_name() -> None:
    stream = intake()
    closed = np.full((24, 32), 8000, np.uint16)
    assert stream.accept('thermal', IMAGE_TYPE, message(closed, SECOND), received_ns=1) == []
    assert stream.counts.rejected['thermal'] == {'shutter': 1}


def test_duplicate_and_old_stamps_are_dropped_and_a_long_jump_back_starts_an_epoch() -> None:
    stream = intake()
    answered = feed(
        stream, [10 * SECOND, 10 * SECOND, 10 * SECOND - SECOND // 10, 2 * SECOND, 3 * SECOND]
    )
    assert answered == [10 * SECOND, 2 * SECOND, 3 * SECOND]
    assert stream.counts.dropped == {'duplicate': 1, 'old': 1}
    assert stream.counts.epochs == 1


def test_frames_without_stamps_are_rejected_until_receive_time_takes_over() -> None:
    stream = intake()
    works = []
    for index in range(8):
        works += stream.accept(
            'thermal',
            IMAGE_TYPE,
            message(picture(index), 0),
            received_ns=index,
            arrived_ns=index * SECOND,
        )
    assert stream.counts.rejected['thermal'] == {'zero_stamp': 5}
    assert [work.thermal.stamp_ns for work in works if work.thermal] == [
        5 * SECOND,
        6 * SECOND,
        7 * SECOND,
    ]


def test_frames_without_stamps_are_always_rejected_where_receive_time_is_forbidden() -> None:
    stream = intake(use_receive_time='never')
    for index in range(8):
        stream.accept('thermal', IMAGE_TYPE, message(picture(index), 0), received_ns=index)
    assert stream.counts.rejected['thermal'] == {'zero_stamp': 8}


def test_a_change_of_resolution_goes_on_and_is_noted() -> None:
    stream = intake()
    feed(stream, [SECOND])
    large = message(picture(1, height=48, width=64), 2 * SECOND)
    [work] = stream.accept('thermal', IMAGE_TYPE, large, received_ns=2)
    assert work.thermal is not None
    assert work.thermal.size_hw == (48, 64)
    assert stream.counts.warnings['thermal/input_changes'] == 1


@pytest.mark.parametrize(
    ('payload', 'reason'),
    [
        (b'', 'cdr'),
        (b'\x00\x01\x00\x00abc', 'cdr'),
        (message(picture(0), SECOND)[:-40], 'cdr'),
        (
            message(picture(0).astype(np.uint8), SECOND, 'mono8').replace(b'mono8', b'what8'),
            'encoding',
        ),
    ],
)
def test_a_bad_message_is_counted_and_the_stream_goes_on(payload: bytes, reason: str) -> None:
    stream = intake()
    assert stream.accept('thermal', IMAGE_TYPE, payload, received_ns=1) == []
    assert stream.counts.rejected['thermal'] == {reason: 1}
    assert feed(stream, [SECOND]) == [SECOND]


def test_a_message_of_another_type_is_rejected() -> None:
    stream = intake()
    stream.accept('thermal', 'std_msgs/msg/String', b'1234', received_ns=1)
    assert stream.counts.rejected['thermal'] == {'type': 1}


def test_the_frame_id_can_be_overridden() -> None:
    stream = intake(frame_id_override='thermal_optical')
    [work] = stream.accept('thermal', IMAGE_TYPE, message(picture(0), SECOND), received_ns=1)
    assert work.thermal is not None
    assert work.thermal.frame_id == 'thermal_optical'


def test_a_fused_model_gets_the_pair_and_goes_on_with_thermal_alone() -> None:
    stream = intake(mode='fused')
    rgb = np.zeros((24, 32, 3), np.uint8)
    works = []
    for index in range(4):
        stamp_ns = (index + 1) * PERIOD
        works += stream.accept(
            'thermal', IMAGE_TYPE, message(picture(index), stamp_ns), received_ns=index
        )
        if index != 2:
            late = message(rgb, stamp_ns + SECOND // 100, 'rgb8')
            works += stream.accept('rgb', IMAGE_TYPE, late, received_ns=index)
    works += stream.flush()
    stamps = [work.thermal.stamp_ns // PERIOD for work in works if work.thermal]
    assert stamps == [1, 2, 3, 4]
    assert [work.rgb is not None for work in works] == [True, True, False, True]
    assert [work.skew_ms for work in works if work.rgb] == [10.0, 10.0, 10.0]


def test_other_tone_statistics_hold_for_the_work_that_waits_as_well() -> None:
    stream = intake(mode='fused')
    stream.accept('thermal', IMAGE_TYPE, message(picture(1), SECOND), received_ns=1)
    wide = Tone(low_percentile=0.0, high_percentile=100.0)
    stream.retune(wide)
    [work] = stream.flush()
    expected = Intake(Settings(mode='fused'), wide)
    expected.accept('thermal', IMAGE_TYPE, message(picture(1), SECOND), received_ns=1)
    [twin] = expected.flush()
    assert work.tone == twin.tone


def test_the_same_tone_statistics_leave_the_smoothing_alone() -> None:
    stream = intake()
    feed(stream, [SECOND])
    tracker = stream.tone
    stream.retune(Tone())
    assert stream.tone is tracker


def test_changed_pairing_lets_waiting_work_go_and_keeps_the_counts() -> None:
    stream = intake(mode='fused')
    feed(stream, [SECOND])
    [work] = stream.apply(Settings(mode='fused', slop_ms=10.0))
    assert work.thermal is not None
    assert stream.counts.received['thermal'] == 1
    assert stream.sync.settings.slop_ms == 10.0


def test_other_thresholds_leave_pairing_and_tone_as_they_are() -> None:
    stream = intake()
    sync, tracker = stream.sync, stream.tone
    assert stream.apply(Settings(score_threshold=0.9, swap_rb=True)) == []
    assert (stream.sync, stream.tone) == (sync, tracker)
    assert stream.limits.swap_rb


def test_a_clock_that_goes_back_starts_an_epoch_before_the_stamps_do() -> None:
    stream = intake()
    feed(stream, [100 * SECOND])
    stream.restart(2 * SECOND)
    assert feed(stream, [2 * SECOND, 3 * SECOND]) == [2 * SECOND, 3 * SECOND]
    assert stream.counts.epochs == 1


def test_a_clock_that_goes_back_after_the_stamps_starts_no_second_epoch() -> None:
    stream = intake()
    feed(stream, [100 * SECOND, 2 * SECOND])
    stream.restart(2 * SECOND)
    assert feed(stream, [3 * SECOND]) == [3 * SECOND]
    assert stream.counts.epochs == 1


def test_a_clock_that_steps_while_the_stamps_go_on_changes_nothing() -> None:
    stream = intake()
    feed(stream, [100 * SECOND])
    stream.restart(101 * SECOND)
    assert stream.counts.epochs == 0


def test_the_clock_ends_the_wait_of_a_frame_whose_partner_never_comes() -> None:
    stream = intake(mode='fused', max_wait_ms=50.0)
    feed(stream, [SECOND])
    assert stream.advance(10 * SECOND) == []
    [work] = stream.advance(10 * SECOND + SECOND // 10)
    assert work.rgb is None
