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

"""Settings structs as ROS parameters: declared with descriptors, read back, checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec
from msgspec import Struct
from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.exceptions import (
    InvalidParameterTypeException,
    InvalidParameterValueException,
    InvalidTopicNameException,
)

from xspec_ros.errors import ConfigError
from xspec_ros.nodes.evaluator_settings import EvaluatorSettings
from xspec_ros.nodes.overlay_settings import OverlaySettings
from xspec_ros.nodes.recorder_settings import RecorderSettings
from xspec_ros.nodes.settings import NodeSettings
from xspec_ros.perception.parameters import build_settings, Parameter, parameters_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rclpy.node import Node

S = TypeVar('S', bound=Struct)

# One parameter file under /**: serves all nodes, so what another one knows is no mistake here.
NODES: tuple[type[Struct], ...] = (
    NodeSettings,
    OverlaySettings,
    RecorderSettings,
    EvaluatorSettings,
)
ROS_OWN = ('use_sim_time', 'start_type_description_service', 'qos_overrides.', 'diagnostic_')
TOPIC = 'topic'
CHANGES = {
    'live': '',
    'configure': 'Takes effect when the node is configured.',
    'start': 'Read when the node starts.',
}


def declare_parameters(node: Node, struct: type[Struct]) -> None:
    """Declare one ROS parameter for every field; nested structs become dotted names.

    Values may be of any type that the struct accepts: ``50`` is taken for ``50.0``. What is out
    of its range is refused here, by ROS, with the range in the message.

    Args:
        node: The node.
        struct: The settings struct.

    Raises:
        ConfigError: A value given at the start is out of its range.
    """
    try:
        for parameter in parameters_of(struct):
            node.declare_parameter(parameter.name, ros_default(parameter), descriptor(parameter))
    except (InvalidParameterValueException, InvalidParameterTypeException) as error:
        message = f'{node.get_fully_qualified_name()}: {error}'
        raise ConfigError(message, hint='correct the parameter file or the -p option') from error


def read_parameters(node: Node, struct: type[S], changes: Mapping[str, object] | None = None) -> S:
    """Return the checked settings that the node's parameters say.

    Args:
        node: The node.
        struct: The settings struct, declared before.
        changes: Values that are about to be set.

    Raises:
        ConfigError: A wrong type or value, or a parameter that was given and no node knows.
    """
    names = [parameter.name for parameter in parameters_of(struct)]
    elsewhere = {parameter.name for each in NODES for parameter in parameters_of(each)}
    values = {name: node.get_parameter(name).value for name in names if node.has_parameter(name)}
    where = node.get_fully_qualified_name()
    # What a YAML file or -p gave and nobody declared; rclpy keeps it and says nothing.
    given = getattr(node, '_parameter_overrides', {})
    strange = {
        name: parameter.value
        for name, parameter in given.items()
        if name not in elsewhere and not node.has_parameter(name) and not name.startswith(ROS_OWN)
    }
    return build_settings(struct, {**values, **strange, **(changes or {})}, where)


def ros_default(parameter: Parameter) -> object:
    """Return the default as ROS takes it; topics are relative, so that namespaces work."""
    default = parameter.default
    if parameter.name.rpartition('.')[2] == TOPIC:
        return relative(str(default))
    return list(default) if isinstance(default, tuple) else default


def relative(topic: str) -> str:
    """Return a topic as names in a node are written, so that namespaces apply."""
    return topic.removeprefix('/')


def descriptor(parameter: Parameter) -> ParameterDescriptor:
    """Return the descriptor: description, range, choices, whether it may change.

    Typing is dynamic because ROS has no optional values and refuses ``50`` for ``50.0``; the
    struct checks types instead.
    """
    found = ParameterDescriptor(
        description=' '.join(filter(None, (parameter.description, CHANGES[parameter.change]))),
        additional_constraints=f'one of: {", ".join(parameter.choices)}'
        if parameter.choices
        else '',
        read_only=parameter.change == 'start',
        dynamic_typing=True,
    )
    low, high = parameter.minimum, parameter.maximum
    if low is None or high is None:
        return found
    if parameter.kind == 'integer':
        found.integer_range = [IntegerRange(from_value=int(low), to_value=int(high))]
    elif parameter.kind == 'number':
        found.floating_point_range = [FloatingPointRange(from_value=low, to_value=high)]
    return found


def resolve_topics(node: Node, settings: S) -> S:
    """Return the settings with topics as they are on the graph: namespace and remaps applied.

    Args:
        node: The node.
        settings: Settings whose inputs are structs with a ``topic``.

    Raises:
        ConfigError: A topic name that ROS does not allow.
    """
    inputs = {
        name: value
        for name in settings.__struct_fields__
        if hasattr(value := getattr(settings, name), TOPIC)
    }
    for name, chosen in inputs.items():
        try:
            topic = node.resolve_topic_name(chosen.topic)
        except InvalidTopicNameException as error:
            message = f'{name}.topic {chosen.topic!r}: {str(error).splitlines()[0]}'
            raise ConfigError(message, hint='use letters, digits, _ and /') from error
        there = msgspec.structs.replace(chosen, topic=topic)
        settings = msgspec.structs.replace(settings, **{name: there})
    return settings
