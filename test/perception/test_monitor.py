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

"""What a door tells its user: each cause in time, in the log and in the diagnostics."""

from __future__ import annotations

from time import perf_counter_ns
from typing import TYPE_CHECKING

import numpy as np
import pytest

from xspec_ros.messages.diagnostics import ERROR, OK, WARN
from xspec_ros.messages.image import encode_image
from xspec_ros.messages.topics import IMAGE_TYPE, LABEL_INFO_TYPE, RGB, THERMAL
from xspec_ros.perception.monitor import ClockWatch, GraphView, InputView, Monitor, Publication
from xspec_ros.perception.notices import Notice
from xspec_ros.perception.pipeline import open_pipeline, Pipeline
from xspec_ros.perception.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from xspec_ros.messages.diagnostics import Status

SECOND = 1_000_000_000
STEP = SECOND // 4
BOTH = (Publication(THERMAL, IMAGE_TYPE), Publication(RGB, IMAGE_TYPE))


class Door:
    """A pipeline whose monitor is asked four times a second on a clock of its own."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self.started_ns = self.now_ns = perf_counter_ns()
        self.monitor = Monitor(pipeline, started_ns=self.now_ns, granted=None)
        self.publications: tuple[Publication, ...] = BOTH
        self.policies: tuple[str, ...] = ()
        self.clock_ns: int | None = None
        self.stamp_shift = {'thermal': 0, 'rgb': 0}
        self.alive = {'thermal', 'rgb'}
        self.told: list[tuple[float, Notice]] = []

    def look(self) -> GraphView:
        inputs = {
            'thermal': InputView((THERMAL,), self.policies),
            'rgb': InputView((RGB,), self.policies),
        }
        return GraphView(inputs=inputs, publications=self.publications, causes='a firewall')

    def run(self, seconds: float, each: Callable[[], None] = lambda: None) -> list[Notice]:
        """Let time pass; cameras in ``alive`` send 8 frames a second. Return what was told."""
        found = []
        for _ in range(round(seconds * 4)):
            for part in (0, STEP // 2):
                for name in sorted(self.alive):
                    self.send(name, self.now_ns + part)
            self.now_ns += STEP
            each()
            found += self.monitor.check(self.now_ns, self.look, clock_ns=self.clock_ns)
        return found

    def send(self, name: str, now_ns: int) -> None:
        image = np.random.default_rng(now_ns % 2**32).integers(0, 255, (64, 80), np.uint8)
        picture = image if name == 'thermal' else np.repeat(image[..., None], 3, axis=2)
        encoding = 'mono8' if name == 'thermal' else 'rgb8'
        stamp_ns = now_ns + self.stamp_shift[name]
        cdr = encode_image(picture, stamp_ns=stamp_ns, frame_id='', encoding=encoding)
        self.monitor.heard(name, len(cdr))
        self.pipeline.accept(name, IMAGE_TYPE, cdr, received_ns=now_ns)

    def statuses(self) -> dict[str, Status]:
        found = self.monitor.statuses(self.now_ns)
        return {status.name.removeprefix('perception: '): status for status in found}


@pytest.fixture
def door(tiny_bundle: Path) -> Door:
    return Door(open_pipeline(Settings(model=str(tiny_bundle), engine='onnxruntime', threads=1)))


def kinds(notices: list[Notice]) -> list[tuple[str, str]]:
    return [(notice.text.partition(':')[0].partition(' ')[0], notice.kind) for notice in notices]


def test_a_healthy_stream_is_not_worth_a_word(door: Door) -> None:
    assert door.run(8) == []
    assert {status.level for status in door.statuses().values()} == {OK}


@pytest.mark.parametrize(
    ('publications', 'policies', 'kind', 'said'),
    [
        ((), (), 'no_publisher', 'a firewall'),
        ((Publication('/boson', IMAGE_TYPE),), (), 'no_publisher', '/boson'),
        (BOTH, ('reliability',), 'qos', 'reliability'),
        ((Publication(THERMAL, LABEL_INFO_TYPE),), (), 'type', LABEL_INFO_TYPE),
        (BOTH, (), 'quiet', 'camera not started'),
    ],
)
def test_silence_is_explained_in_three_seconds_and_shown_while_it_holds(
    door: Door,
    publications: tuple[Publication, ...],
    policies: tuple[str, ...],
    kind: str,
    said: str,
) -> None:
    door.alive = set()
    door.publications, door.policies = publications, policies
    told = door.run(2.75)
    thermal = [notice for notice in told if notice.text.startswith('thermal')]
    assert [(notice.kind, notice.level) for notice in thermal] == [(kind, 'error')]
    assert said in thermal[0].text
    status = door.statuses()['thermal input']
    assert (status.level, status.message) == (ERROR, thermal[0].text)
    assert [notice.kind for notice in door.run(11)][:1] == [kind]

    door.alive = {'thermal', 'rgb'}
    assert ('thermal', 'back') in kinds(door.run(0.5))
    assert door.statuses()['thermal input'].level == OK


def test_thermal_alone_works_without_an_error_about_rgb(door: Door) -> None:
    door.alive = {'thermal'}
    door.publications = BOTH[:1]
    told = door.run(59)
    assert [(notice.kind, notice.level) for notice in told] == [('no_publisher', 'warning')]
    assert told[0].text.startswith(f'rgb: nothing arrives on {RGB}: nobody publishes it')
    assert 'mode thermal does without it' in told[0].text
    found = door.statuses()
    assert (found['rgb input'].level, found['thermal input'].level) == (WARN, OK)


def test_one_dead_camera_is_told_and_its_return(door: Door) -> None:
    door.run(2)
    door.alive = {'rgb'}
    door.publications = BOTH[1:]
    assert kinds(door.run(2.75)) == [('thermal', 'dead')]
    status = door.statuses()['thermal input']
    assert status.level == ERROR
    assert 'its publisher is gone' in status.message
    door.alive = {'thermal', 'rgb'}
    assert kinds(door.run(1)) == [('thermal', 'back')]
    assert door.statuses()['thermal input'].level == OK


def test_stamps_apart_are_told_with_offset_and_parameter_and_not_too_often(door: Door) -> None:
    door.stamp_shift['rgb'] = 7 * SECOND
    told = door.run(3)
    assert [notice.kind for notice in told] == ['pairing']
    assert 'rgb stamps run +7062 ms against the other camera' in told[0].text  # half a period off
    assert 'set rgb.stamp_offset_ms to -7062' in told[0].text
    assert door.statuses()['pairing'].level == WARN
    assert door.run(50) == []
    assert [notice.kind for notice in door.run(10)] == ['pairing']


@pytest.mark.parametrize('stands_at', [0, 5 * SECOND])
def test_a_clock_that_stands_is_told_and_shown(door: Door, stands_at: int) -> None:
    door.clock_ns = stands_at
    (notice,) = door.run(3)
    assert (notice.kind, notice.level) == ('clock', 'warning')
    said = 'stands at 5.000 s' if stands_at else 'nothing publishes /clock'
    assert said in notice.text
    assert 'stamps alone' in notice.text
    assert door.statuses()['clock'].message == notice.text

    def tick() -> None:
        door.clock_ns = (door.clock_ns or 0) + STEP

    assert [(found.kind, found.level) for found in door.run(3, tick)] == [('clock', 'info')]
    assert door.statuses()['clock'].level == OK
    assert door.statuses()['clock'].values['now_s'] == f'{stands_at / SECOND + 3:.3f}'


def test_without_simulated_time_there_is_no_clock(door: Door) -> None:
    assert door.run(3) == []
    assert 'clock' not in door.statuses()


def test_a_clock_that_goes_back_runs() -> None:
    watch = ClockWatch()
    for second, clock_ns in enumerate((50, 51, 3, 4, 2)):
        assert watch.check(second * SECOND, clock_ns * SECOND) is None


def test_a_refused_model_shows_until_one_is_taken(door: Door) -> None:
    door.monitor.note(Notice(level='error', kind='swap_refused', text='refused: damaged'))
    assert door.statuses()['engine'].level == ERROR
    door.monitor.note(Notice(level='info', kind='swapped', text='taken'))
    assert door.statuses()['engine'].level == OK
