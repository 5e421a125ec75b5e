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

"""What a replay hands to its report: plain values, no message and no file format."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xspec_ros.bundle.manifest import Manifest
    from xspec_ros.core.frame import UInt8Array

Outcome: TypeAlias = Literal['answered', 'rejected', 'dropped', 'unpaired']


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameNote:
    """What became of one reference frame.

    Attributes:
        time_s: Log time since the start of the bag.
        outcome: ``answered``, ``rejected``, ``dropped`` or ``unpaired``.
        cause: Why, for all but answered frames.
        stamp_ns: Header stamp of an answered or unpaired frame.
        detections: Boxes published.
        confidence: Mean confidence of the label map, 0 to 1.
        score: Agreement with the truth, 0 to 1; None without truth.
        total_ms: From the bytes in hand to the message bytes.
        tone: Low and high of the tone mapping, in counts; None where it is not known.
    """

    time_s: float
    outcome: Outcome
    cause: str = ''
    stamp_ns: int = 0
    detections: int = 0
    confidence: float = 0.0
    score: float | None = None
    total_ms: float = 0.0
    tone: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One frame of the gallery.

    Attributes:
        title: ``best``, ``worst`` or ``typical``.
        caption: Time, score and what else is to say.
        panels: Name and (H, W) or (H, W, 3) uint8 picture, side by side.
    """

    title: str
    caption: str
    panels: tuple[tuple[str, UInt8Array], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayReport:
    """Everything the page shows.

    Attributes:
        title: Name of the bag.
        manifest: The model's manifest.
        model_hash: Its hash.
        summary: What ``summary.json`` holds.
        notes: What became of every frame, in order.
        pictures: The gallery.
        problems: Lines to show at the top.
    """

    title: str
    manifest: Manifest
    model_hash: str
    summary: Mapping[str, object]
    notes: tuple[FrameNote, ...] = ()
    pictures: tuple[Picture, ...] = ()
    problems: tuple[str, ...] = field(default=())


def pick_frames(notes: tuple[FrameNote, ...], *, each: int = 2) -> dict[str, list[FrameNote]]:
    """Choose the frames worth a picture.

    Args:
        notes: All notes; only answered frames are shown.
        each: Frames of each kind.

    Returns:
        ``worst``, ``typical`` and ``best`` frames: by agreement with the truth where some frame
        has truth, else by confidence; no frame twice.
    """
    answered = [note for note in notes if note.outcome == 'answered']
    judged = [note for note in answered if note.score is not None] or answered
    ranked = sorted(judged, key=_rank)
    middle = max(0, len(ranked) // 2 - each // 2)
    chosen: dict[str, list[FrameNote]] = {'best': [], 'typical': [], 'worst': []}
    taken: set[int] = set()
    for kind, frames in (
        ('worst', ranked[:each]),
        ('best', ranked[::-1][:each]),
        ('typical', ranked[middle : middle + each]),
    ):
        for note in frames:
            if note.stamp_ns not in taken:
                taken.add(note.stamp_ns)
                chosen[kind].append(note)
    return chosen


def _rank(note: FrameNote) -> tuple[float, int]:
    return (note.confidence if note.score is None else note.score, note.stamp_ns)
