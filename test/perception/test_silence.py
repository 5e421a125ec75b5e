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

"""When nothing arrives, the likeliest cause is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from xspec_ros.messages.topics import COMPRESSED_TYPE, IMAGE_TYPE, LABEL_INFO_TYPE, THERMAL
from xspec_ros.perception.settings import ThermalInput
from xspec_ros.perception.silence import (
    explain_death,
    explain_silence,
    GraphView,
    InputView,
    sight_causes,
)
from xspec_ros.perception.transport import Publication

if TYPE_CHECKING:
    from collections.abc import Sequence

CAUSES = 'another domain; a firewall'


def look(publications: Sequence[Publication], *policies: str) -> GraphView:
    inputs = {'thermal': InputView((THERMAL,), policies)}
    return GraphView(inputs=inputs, publications=publications, causes=CAUSES)


def writer(topic: str = THERMAL, type_name: str = IMAGE_TYPE) -> Publication:
    return Publication(topic, type_name)


@pytest.mark.parametrize(
    ('publications', 'policies', 'granted', 'kind', 'said'),
    [
        (
            [],
            (),
            None,
            'no_publisher',
            f'publishes anything here; possible causes: {CAUSES}',
        ),
        (
            [writer('/boson/image')],
            (),
            None,
            'no_publisher',
            'on this domain: /boson/image',
        ),
        ([writer('/x', LABEL_INFO_TYPE)], (), None, 'no_publisher', 'nor any other image'),
        ([writer(f'/c{i}') for i in range(9)], (), None, 'no_publisher', 'and 3 more'),
        ([writer(type_name=LABEL_INFO_TYPE)], (), None, 'type', LABEL_INFO_TYPE),
        ([writer()], ('deadline',), None, 'qos', 'other QoS (deadline)'),
        ([writer()], (), None, 'quiet', 'camera not started'),
        ([writer()], (), 212_992, 'quiet', 'sysctl'),
        ([writer(), writer(type_name=LABEL_INFO_TYPE)], (), None, 'quiet', 'camera not started'),
    ],
)
def test_cause_is_named(
    publications: list[Publication],
    policies: tuple[str, ...],
    granted: int | None,
    kind: str,
    said: str,
) -> None:
    notice = explain_silence(
        'thermal', ThermalInput(), look(publications, *policies), granted=granted
    )
    assert (notice.kind, notice.level) == (kind, 'error')
    assert said in notice.text
    assert notice.text.startswith(f'thermal: nothing arrives on {THERMAL}: ')


def test_a_transport_that_does_not_fit_is_a_wrong_type_with_its_remedy() -> None:
    graph = look([writer(type_name=COMPRESSED_TYPE)])
    notice = explain_silence('thermal', ThermalInput(transport='raw'), graph, granted=None)
    assert notice.kind == 'type'
    assert 'set thermal.transport to compressed' in notice.text


def test_a_dead_camera_says_whether_its_publisher_is_there() -> None:
    assert 'still there' in explain_death('thermal', look([writer()]))
    assert 'gone' in explain_death('thermal', look([writer('/other')]))


def test_zenoh_comes_first_where_it_is_set() -> None:
    assert sight_causes('5', 'SUBNET', 'rmw_zenoh_cpp').startswith(
        'RMW_IMPLEMENTATION=rmw_zenoh_cpp'
    )
    assert sight_causes('5', 'SUBNET', '').startswith('another domain (this is 5)')
