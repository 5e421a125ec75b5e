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

"""Mode fused: which cameras answer, and under which name the missing one is counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from xspec_ros.bundle.manifest import Tone
from xspec_ros.core.rig import Rig, save_rig
from xspec_ros.errors import ConfigError
from xspec_ros.messages.image import encode_image
from xspec_ros.messages.topics import IMAGE_TYPE
from xspec_ros.perception.intake import Intake, Work
from xspec_ros.perception.pipeline import open_pipeline, Pipeline
from xspec_ros.perception.settings import Settings, ThermalInput

if TYPE_CHECKING:
    from pathlib import Path

SECOND = 1_000_000_000
PERIOD = SECOND // 9
HW = (24, 32)


def thermal(stamp_ns: int, *, shutter: bool = False) -> bytes:
    rng = np.random.default_rng(stamp_ns)
    image = np.full(HW, 8000, np.uint16) if shutter else rng.integers(7000, 9000, HW, np.uint16)
    return encode_image(image, stamp_ns=stamp_ns, frame_id='boson', encoding='mono16')


def rgb(stamp_ns: int, size_hw: tuple[int, int] = HW) -> bytes:
    image = np.random.default_rng(stamp_ns).integers(0, 256, (*size_hw, 3), np.uint8)
    return encode_image(image, stamp_ns=stamp_ns, frame_id='webcam', encoding='rgb8')


class Stream:
    """Feeds an intake and keeps the work that comes out."""

    def __init__(self, **changes: object) -> None:
        self.intake = Intake(Settings(mode='fused', **changes), Tone())
        self.works: list[Work] = []

    def send(self, source: str, cdr: bytes) -> None:
        self.works += self.intake.accept(source, IMAGE_TYPE, cdr, received_ns=1)

    def end(self) -> list[Work]:
        self.works += self.intake.flush()
        return self.works


def test_a_pair_is_answered_by_both() -> None:
    stream = Stream()
    stream.send('thermal', thermal(SECOND))
    stream.send('rgb', rgb(SECOND))
    [work] = stream.end()
    assert work.thermal is not None
    assert work.rgb is not None
    assert (work.degraded, work.skew_ms, work.reference) == ('', 0.0, 'thermal')


def test_a_frame_without_partner_goes_on_alone_and_says_why() -> None:
    stream = Stream()
    stream.send('thermal', thermal(SECOND))
    stream.send('rgb', rgb(SECOND + 90_000_000))
    stream.send('thermal', thermal(SECOND + PERIOD))
    works = stream.end()
    assert [work.degraded for work in works] == ['slop', '']
    assert works[0].rgb is None


def test_a_shutter_frame_is_answered_by_rgb_with_the_header_of_the_thermal_frame() -> None:
    stream = Stream()
    stream.send('thermal', thermal(SECOND, shutter=True))
    stream.send('rgb', rgb(SECOND + 5_000_000))
    [work] = stream.end()
    assert work.thermal is None
    assert work.rgb is not None
    assert (work.rgb.stamp_ns, work.rgb.frame_id) == (SECOND, 'boson')
    assert (work.degraded, work.reference) == ('shutter', 'thermal')
    assert not stream.intake.counts.rejected['thermal']


def test_a_shutter_frame_without_partner_is_rejected_by_name() -> None:
    stream = Stream()
    stream.send('thermal', thermal(SECOND, shutter=True))
    assert stream.end() == []
    assert stream.intake.counts.rejected['thermal'] == {'shutter': 1}


def test_silence_answers_pairs_only_and_counts_the_rest() -> None:
    stream = Stream(on_missing='silence')
    stream.send('thermal', thermal(SECOND))
    stream.send('rgb', rgb(SECOND))
    stream.send('thermal', thermal(SECOND + PERIOD))
    stream.send('thermal', thermal(SECOND + 2 * PERIOD, shutter=True))
    stream.send('rgb', rgb(SECOND + 2 * PERIOD))
    assert len(stream.end()) == 1
    assert stream.intake.counts.dropped == {'unpaired': 1}
    assert stream.intake.counts.rejected['thermal'] == {'shutter': 1}


@pytest.mark.parametrize(('on_missing', 'alone'), [('degrade', True), ('silence', False)])
def test_rgb_goes_on_alone_once_thermal_is_silent(on_missing: str, *, alone: bool) -> None:
    stream = Stream(on_missing=on_missing)
    stream.send('thermal', thermal(SECOND))
    for index in range(20):
        stream.send('rgb', rgb(SECOND + index * PERIOD))
    works = stream.end()[1:]
    assert bool(works) is alone
    for work in works:
        assert work.thermal is None
        assert work.rgb is not None
        assert work.rgb.frame_id == 'webcam'
        assert work.rgb.stamp_ns > 2 * SECOND
        assert (work.degraded, work.reference) == ('thermal_silent', 'rgb')


def test_rgb_of_another_size_is_left_out_with_advice() -> None:
    stream = Stream()
    stream.send('thermal', thermal(SECOND))
    stream.send('rgb', rgb(SECOND, (48, 64)))
    [work] = stream.end()
    assert (work.rgb, work.degraded) == (None, 'unregistered')
    assert stream.intake.counts.warnings['rgb/unregistered'] == 1
    assert 'xspec register' in stream.intake.fusing.misfit


def test_cameras_turned_onto_one_grid_fit() -> None:
    stream = Stream(thermal=ThermalInput(rotate_deg=90))
    stream.send('thermal', thermal(SECOND))
    stream.send('rgb', rgb(SECOND, HW[::-1]))
    [work] = stream.end()
    assert work.degraded == ''


@pytest.fixture
def rig(tmp_path: Path) -> Path:
    """Return the file of a rig whose RGB camera sees the thermal picture twice as large."""
    half = ((0.5, 0.0, 0.0), (0.0, 0.5, 0.0), (0.0, 0.0, 1.0))
    path = tmp_path / 'rig.yaml'
    save_rig(Rig(homography=half, rgb_hw=(48, 64), thermal_hw=HW), path)
    return path


def test_a_rig_brings_rgb_onto_the_thermal_grid(rig: Path, fused_bundle: Path) -> None:
    settings = Settings(model=str(fused_bundle), mode='fused', engine='onnxruntime', rig=str(rig))
    pipeline = open_pipeline(settings)
    small = np.random.default_rng(0).integers(0, 256, (*HW, 3), np.uint8)
    large = np.repeat(np.repeat(small, 2, axis=0), 2, axis=1)
    works = []
    for index, shutter in enumerate((False, True)):
        stamp_ns = SECOND + index * PERIOD
        cdr = encode_image(large, stamp_ns=stamp_ns, frame_id='webcam', encoding='rgb8')
        works += pipeline.accept('rgb', IMAGE_TYPE, cdr, received_ns=1)
        works += pipeline.accept(
            'thermal', IMAGE_TYPE, thermal(stamp_ns, shutter=shutter), received_ns=1
        )
    answers = [pipeline.run(work) for work in works]
    assert [answer.result.mode for answer in answers] == ['fused', 'rgb']
    for answer in answers:
        assert answer.work.rgb is not None
        np.testing.assert_array_equal(answer.work.rgb.image, small)
        assert answer.result.label_map.shape == HW
        assert answer.result.frame_id == 'boson'
    pipeline.close()


def test_a_rig_of_another_camera_is_no_reason_to_stop(rig: Path) -> None:
    stream = Stream(rig=str(rig))
    stream.send('thermal', thermal(SECOND))
    stream.send('rgb', rgb(SECOND, (50, 50)))
    [work] = stream.end()
    assert work.degraded == 'unregistered'
    assert 'measure it again' in stream.intake.fusing.misfit


def test_a_rig_that_is_not_there_is_an_error_before_the_first_frame(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match='none'):
        Stream(rig=str(tmp_path / 'none.yaml'))


@pytest.fixture
def pipeline(fused_bundle: Path) -> Pipeline:
    settings = Settings(model=str(fused_bundle), mode='fused', engine='onnxruntime', threads=1)
    opened = open_pipeline(settings)
    yield opened
    opened.close()


def test_every_thermal_frame_is_accounted_for(pipeline: Pipeline) -> None:
    """A drive with a shutter frame, a gap in RGB and another size; RGB goes on at the end."""
    works = []
    for index in range(12):
        stamp_ns = SECOND + index * PERIOD
        works += pipeline.accept(
            'thermal', IMAGE_TYPE, thermal(stamp_ns, shutter=index in (3, 6)), received_ns=1
        )
        if index not in (5, 6):
            cdr = rgb(stamp_ns, (48, 64) if index == 8 else HW)
            works += pipeline.accept('rgb', IMAGE_TYPE, cdr, received_ns=1)
    for index in range(12, 26):
        cdr = rgb(SECOND + index * PERIOD)
        works += pipeline.accept('rgb', IMAGE_TYPE, cdr, received_ns=1)
    answers = [pipeline.run(work) for work in [*works, *pipeline.flush()]]
    counts = pipeline.progress()
    assert counts['thermal'] == 12
    assert counts['answered'] == 11
    assert counts['rejected_by'] == {'shutter': 1}
    assert counts['dropped'] == 0
    by = counts['degraded_by']
    alone = counts['rgb_alone']
    assert by == {'shutter': 1, 'late': 1, 'unregistered': 1, 'thermal_silent': alone}
    assert alone >= 3
    assert counts['degraded'] == 3 + alone
    stamps = [answer.result.stamp_ns for answer in answers]
    assert stamps == sorted(set(stamps))
    modes = [answer.result.mode for answer in answers[:11]]
    assert modes == ['fused'] * 3 + ['rgb', 'fused', 'thermal', 'fused', 'thermal'] + ['fused'] * 3
    assert {answer.result.frame_id for answer in answers[:11]} == {'boson'}
    assert all(answer.result.label_map.shape == HW for answer in answers)
