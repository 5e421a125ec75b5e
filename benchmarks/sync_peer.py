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

"""Runs message_filters' Python file beside this project, with stand-ins for rclpy's values.

The file is given on the command line; nothing of it is part of this repository. The stand-ins
offer just what it touches: nanosecond times, durations and their comparison. They are plain
integers inside, so the peer is, if anything, faster here than with rclpy.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import total_ordering
import importlib.util
import sys
from types import ModuleType
from typing import Any, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@total_ordering
class Duration:
    """A span of time as rclpy's, in nanoseconds."""

    __slots__ = ('nanoseconds',)

    def __init__(self, *, seconds: float = 0, nanoseconds: int = 0) -> None:
        self.nanoseconds = round(seconds * 1e9) + nanoseconds

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Duration) and self.nanoseconds == other.nanoseconds

    def __lt__(self, other: Duration) -> bool:
        return self.nanoseconds < other.nanoseconds

    def __hash__(self) -> int:
        return hash(self.nanoseconds)


@total_ordering
class Time:
    """A point in time as rclpy's, in nanoseconds."""

    __slots__ = ('clock_type', 'nanoseconds')

    def __init__(self, *, nanoseconds: int = 0, clock_type: object = None) -> None:
        self.nanoseconds = nanoseconds
        self.clock_type = clock_type

    def __sub__(self, other: Time) -> Duration:
        return Duration(nanoseconds=self.nanoseconds - other.nanoseconds)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Time) and self.nanoseconds == other.nanoseconds

    def __lt__(self, other: Time) -> bool:
        return self.nanoseconds < other.nanoseconds

    def __hash__(self) -> int:
        return hash(self.nanoseconds)

    @staticmethod
    def from_msg(stamp: Time) -> Time:
        """Return the time itself: the messages below carry it ready made."""
        return stamp


@dataclass(slots=True)
class Header:
    """The part of a header that pairing reads."""

    stamp: Time


@dataclass(slots=True)
class Message:
    """A message with a header and what the benchmark knows about it."""

    header: Header
    payload: object = None


@dataclass(slots=True)
class Source:
    """What a message_filters subscriber is to the synchroniser."""

    callbacks: list[tuple[Callable[..., None], tuple[object, ...]]] = field(default_factory=list)

    def registerCallback(self, callback: Callable[..., None], *args: object) -> int:  # noqa: N802
        """Connect, under the name that the peer calls."""
        self.callbacks.append((callback, args))
        return len(self.callbacks) - 1

    def feed(self, message: Message) -> None:
        """Deliver one message."""
        for callback, args in self.callbacks:
            callback(message, *args)


def load_peer(path: Path) -> ModuleType:
    """Import message_filters' ``__init__.py`` from a path.

    Args:
        path: The file.
    """
    rclpy: Any = ModuleType('rclpy')
    parts: dict[str, dict[str, object]] = {
        'clock': {'ROSClock': type('ROSClock', (), {})},
        'duration': {'Duration': Duration},
        'logging': {'LoggingSeverity': type('LoggingSeverity', (), {'INFO': 20})},
        'time': {'Time': Time},
    }
    stand_ins: dict[str, ModuleType] = {'rclpy': rclpy}
    for name, values in parts.items():
        module = ModuleType(f'rclpy.{name}')
        vars(module).update(values)
        setattr(rclpy, name, module)
        stand_ins[f'rclpy.{name}'] = module
    before = {name: sys.modules.get(name) for name in stand_ins}
    sys.modules.update(stand_ins)
    try:
        spec = importlib.util.spec_from_file_location('peer_message_filters', path)
        if spec is None or spec.loader is None:
            message = f'{path} is no Python file'
            raise ImportError(message)
        peer = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(peer)
    finally:
        for name, module_before in before.items():
            if module_before is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module_before
    return peer
