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
