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

"""Reading graph files and wording what a runtime says of them: the same for every engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xspec_ros.errors import EngineError

if TYPE_CHECKING:
    from pathlib import Path

_LONGEST = 300


def read_graph(path: Path) -> bytes:
    """Return an ONNX file's bytes; as bytes a graph cannot point at files outside the bundle.

    Raises:
        EngineError: The file cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        message = f'{path} cannot be read: {error.strerror}'
        raise EngineError(message, hint='check its permissions') from error


def first_line(error: Exception) -> str:
    """Return the first line of a runtime's error, cut to a readable length."""
    return str(error).strip().split('\n', 1)[0][:_LONGEST]
