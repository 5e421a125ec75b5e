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

"""What a live user is told about a camera, each thing once and then ever more rarely."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xspec_ros.bundle.manifest import Tone
from xspec_ros.messages.topics import IMAGE_TYPE, RGB, THERMAL
from xspec_ros.perception.intake import Intake
from xspec_ros.perception.settings import Settings
from xspec_ros.perception.silence import GraphView, InputView
from xspec_ros.perception.transport import Publication
from xspec_ros.perception.watch import InputWatch

if TYPE_CHECKING:
    from xspec_ros.core.result import Mode

SECOND = 1_000_000_000
MILLISECOND = 1_000_000
LARGE_BUFFER = 8 * 2**20


class Graph:
    """What is in sight; counts how often somebody looks."""

    def __init__(self, *publications: Publication, policies: tuple[str, ...] = ()) -> None:
        self.publications = list(publications)
        self.policies = policies
        self.looks = 0

    def __call__(self) -> GraphView:
        self.looks += 1
        inputs = {
            'rgb': InputView((RGB,), self.policies),
            'thermal': InputView((THERMAL,), self.policies),
        }
        return GraphView(inputs=inputs, publications=self.publications, causes='a firewall')


def make(
    name: str = 'rgb', mode: Mode = 'fused', *, granted: int | None = LARGE_BUFFER
) -> tuple[InputWatch, Intake]:
    intake = Intake(Settings(mode=mode), Tone())
    return InputWatch(name, intake, started_ns=0, granted=granted), intake


def kinds(watch: InputWatch, now_ns: int, graph: Graph) -> list[str]:
    return [notice.kind for notice in watch.check(now_ns, graph)]


def test_silence_from_the_start_is_told_within_three_seconds_and_again() -> None:
    watch, _ = make()
    graph = Graph()
    told = [step / 4 for step in range(0, 200) if kinds(watch, step * SECOND // 4, graph) != []]
    assert told == [2.0, 12.0, 32.0]


def test_a_cause_that_changes_late_is_still_told_in_time() -> None:
    watch, _ = make()
    graph = Graph()
    assert kinds(watch, 0, graph) == []
    graph.publications = [Publication(RGB, IMAGE_TYPE)]
    graph.policies = ('reliability',)
    assert kinds(watch, 1900 * MILLISECOND, graph) == []
    assert kinds(watch, 2650 * MILLISECOND, graph) == ['qos']


def test_silence_ends_with_the_first_frame() -> None:
    watch, intake = make()
    graph = Graph()
    watch.check(0, graph)
    assert kinds(watch, 2 * SECOND, graph) == ['no_publisher']
    assert watch.trouble is not None
    watch.heard(100)
    intake.cameras.heard('rgb', 3 * SECOND)
    looks = graph.looks
    assert kinds(watch, 3 * SECOND, graph) == ['back']
    assert watch.trouble is None
    assert graph.looks == looks


def test_death_and_return_are_told_once_each() -> None:
    watch, intake = make()
    graph = Graph(Publication(RGB, IMAGE_TYPE))
    watch.heard(100)
    intake.cameras.heard('rgb', SECOND)
    assert watch.check(2 * SECOND, graph) == []
    assert graph.looks == 0
    dead = watch.check(2 * SECOND + 1, graph)
    assert [(notice.kind, notice.level) for notice in dead] == [('dead', 'error')]
    assert dead[0].text.startswith(f'rgb camera is dead: {RGB} silent for 1.0 s; its publisher is')
    assert watch.check(3 * SECOND, graph) == []
    assert kinds(watch, 12 * SECOND + 1, graph) == ['dead']
    intake.cameras.heard('rgb', 13 * SECOND)
    assert kinds(watch, 13 * SECOND, graph) == ['back']
    assert watch.trouble is None


def test_a_camera_that_the_mode_does_without_is_a_rare_warning() -> None:
    watch, _ = make('rgb', 'thermal')
    graph = Graph()
    told = [
        (step / 4, notice.level)
        for step in range(0, 4 * 100)
        for notice in watch.check(step * SECOND // 4, graph)
    ]
    assert told == [(2.0, 'warning'), (62.0, 'warning')]
    assert watch.trouble is not None
    assert watch.trouble.text.endswith('; mode thermal does without it')


def test_a_fused_model_says_that_thermal_goes_on() -> None:
    watch, _ = make('rgb', 'fused')
    watch.check(0, Graph())
    (notice,) = watch.check(2 * SECOND, Graph())
    assert (notice.level, notice.text.rpartition('; ')[2]) == (
        'error',
        'thermal frames are answered alone meanwhile',
    )


def test_a_camera_that_hangs_is_told() -> None:
    watch, intake = make('thermal', 'thermal')
    watch.heard(100)
    intake.cameras.heard('thermal', SECOND, frozen=True)
    intake.cameras.heard('thermal', 5 * SECOND, frozen=True)
    (notice,) = watch.check(5 * SECOND, Graph())
    assert notice.kind == 'stuck'
    assert 'the camera hangs' in notice.text


def lose_every_third(watch: InputWatch, intake: Intake) -> None:
    intake.cameras.heard('thermal', SECOND)
    for index in range(200):
        if index % 3 != 2:
            watch.heard(614_400)
            intake.rates['thermal'].add(SECOND + index * 33_333_333)


def test_loss_names_the_receive_buffer_where_it_is_small() -> None:
    watch, intake = make('thermal', granted=212_992)
    lose_every_third(watch, intake)
    loss, buffer = watch.check(SECOND, Graph())
    assert (loss.kind, buffer.kind) == ('loss', 'buffer')
    assert '33%' in loss.text
    assert 'sysctl -w net.core.rmem_max' in loss.text
    assert buffer.text.startswith('thermal: the receive buffer (212992 bytes')
    assert watch.check(2 * SECOND - 1, Graph()) == []


def test_loss_without_a_cause_names_what_remains() -> None:
    watch, intake = make('thermal')
    lose_every_third(watch, intake)
    (loss,) = watch.check(SECOND, Graph())
    assert 'camera skips them' in loss.text
    intake.cameras.heard('thermal', 11 * SECOND)
    assert kinds(watch, 11 * SECOND, Graph()) == ['loss']
