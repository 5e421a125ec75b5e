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

"""Settings structs as ROS parameters."""

from __future__ import annotations

from typing import Any, TYPE_CHECKING

import pytest

pytest.importorskip('rclpy', reason='no ROS 2 is sourced')

from rcl_interfaces.msg import ParameterType
from rclpy.node import Node

from xspec_ros.errors import ConfigError
from xspec_ros.nodes.parameters import declare_parameters, read_parameters
from xspec_ros.nodes.settings import NodeSettings
from xspec_ros.perception.parameters import parameters_of
from xspec_ros.perception.settings import RgbInput, ThermalInput

if TYPE_CHECKING:
    from conftest import Graph


class Plain(Node):
    """A node with nothing but parameters."""

    def __init__(self, *given: str) -> None:
        arguments = [part for each in given for part in ('-p', each)]
        super().__init__('plain', cli_args=['--ros-args', *arguments])

    def close(self) -> None:
        """Nothing to end."""


def make(graph: Graph, *given: str) -> Any:
    node = Plain(*given)
    graph.add(node)
    return node


def test_every_parameter_has_a_descriptor_with_its_meaning_and_range(graph: Graph) -> None:
    node = make(graph)
    declare_parameters(node, NodeSettings)
    for parameter in parameters_of(NodeSettings):
        found = node.describe_parameter(parameter.name)
        assert parameter.description in found.description
        assert found.read_only == (parameter.change == 'start')
        ranges = [*found.integer_range, *found.floating_point_range]
        if parameter.minimum is not None and parameter.maximum is not None:
            assert [(each.from_value, each.to_value) for each in ranges] == [
                (parameter.minimum, parameter.maximum)
            ]
        for choice in parameter.choices:
            assert choice in found.additional_constraints


def test_the_defaults_come_back_with_topics_that_follow_the_namespace(graph: Graph) -> None:
    node = make(graph)
    declare_parameters(node, NodeSettings)
    assert read_parameters(node, NodeSettings) == NodeSettings(
        rgb=RgbInput(topic='rgb/image_raw'), thermal=ThermalInput(topic='thermal/image_raw')
    )


def test_an_optional_value_is_unset_until_it_is_given(graph: Graph) -> None:
    node = make(graph)
    declare_parameters(node, NodeSettings)
    unset = node.get_parameter('range_k')
    assert unset.type_.value == ParameterType.PARAMETER_NOT_SET
    assert read_parameters(node, NodeSettings, {'range_k': [280, 320]}).range_k == (280.0, 320.0)


@pytest.mark.parametrize(
    ('given', 'reason'),
    [
        ('max_wait:=3.0', 'did you mean max_wait_ms'),
        ('thermal.topik:=/x', 'thermal.topic'),
        ('mode:=sonar', 'mode'),
        ('threads:=few', 'threads'),
    ],
)
def test_what_a_file_gives_wrongly_is_named_when_it_is_read(
    graph: Graph, given: str, reason: str
) -> None:
    node = make(graph, given)
    declare_parameters(node, NodeSettings)
    with pytest.raises(ConfigError, match=reason):
        read_parameters(node, NodeSettings)


def test_what_is_out_of_range_from_the_start_is_refused_with_the_range(graph: Graph) -> None:
    node = make(graph, 'slop_ms:=-3.0')
    with pytest.raises(ConfigError, match=r'slop_ms'):
        declare_parameters(node, NodeSettings)


def test_what_ros_itself_gives_is_no_parameter_of_ours(graph: Graph) -> None:
    node = make(graph, 'use_sim_time:=true', 'qos_overrides./x.publisher.depth:=3')
    declare_parameters(node, NodeSettings)
    assert read_parameters(node, NodeSettings).slop_ms == 50.0


def test_one_file_may_hold_the_parameters_of_all_nodes(graph: Graph) -> None:
    node = make(graph, 'budget_mb:=5.0', 'reference:=rgb', 'slop_ms:=7.0')
    declare_parameters(node, NodeSettings)
    assert read_parameters(node, NodeSettings).slop_ms == 7.0
