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

"""Small figures as inline SVG: they scale, follow the page's colours, and need no script."""

from __future__ import annotations

from base64 import b64encode
from collections import Counter
from html import escape
import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xspec_ros.core.frame import UInt8Array
    from xspec_ros.report.data import FrameNote

WIDTH = 560
HISTOGRAM_HEIGHT = 210
LEFT, RIGHT, TOP, BOTTOM = 36, 12, 34, 30
BINS = 40
LANE_HEIGHT = 24
TIMELINE_WIDTH = 1120
TIMELINE_LEFT = 150
MAX_MARKS = 1500
JPEG_QUALITY = 82
PICTURE_WIDTH = 560


def picture_uri(image: UInt8Array, *, width: int = PICTURE_WIDTH) -> str:
    """Return a picture as a data URI.

    Args:
        image: (H, W) or (H, W, 3) uint8, RGB.
        width: Largest width; larger pictures are scaled down.
    """
    if image.shape[1] > width:
        height = round(image.shape[0] * width / image.shape[1])
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8)
    stored = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode('.jpg', stored, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return f'data:image/jpeg;base64,{b64encode(data.tobytes()).decode()}'


def histogram(values: Sequence[float], *, unit: str) -> str:
    """Draw a histogram with marks at the median and the 99th percentile.

    Args:
        values: The values, 0 or more each.
        unit: Unit of the axis.
    """
    if not values:
        return '<p class="note">No frame was answered.</p>'
    # Everything beyond the 99.5th percentile stands in the last bin: one hiccup flattens nothing.
    top = _round_up(float(np.percentile(values, 99.5)) * 1.05 or 1.0)
    counts, _ = np.histogram(np.minimum(values, top * 0.9999), bins=BINS, range=(0.0, top))
    inner_w, inner_h = WIDTH - LEFT - RIGHT, HISTOGRAM_HEIGHT - TOP - BOTTOM
    highest = int(counts.max())
    parts = [_grid(inner_h, highest)]
    step = inner_w / BINS
    for index, count in enumerate(counts):
        if count:
            height = inner_h * int(count) / highest
            x, y = LEFT + index * step, TOP + inner_h - height
            parts.append(
                f'<rect class="fill" x="{x:.1f}" y="{y:.1f}" width="{max(step - 1, 1):.1f}" '
                f'height="{height:.1f}" rx="1.5"/>'
            )
    for label, quantile, y in (('p50', 50, 4), ('p99', 99, 18)):
        value = float(np.percentile(values, quantile))
        x = LEFT + inner_w * min(value / top, 1.0)
        parts.append(
            f'<line class="mark" x1="{x:.1f}" y1="{y}" x2="{x:.1f}" y2="{TOP + inner_h}"/>'
        )
        anchor, shift = ('end', -4) if x > WIDTH - 90 else ('start', 4)
        parts.append(
            f'<text x="{x + shift:.1f}" y="{y + 8}" text-anchor="{anchor}">'
            f'{label} {value:.1f} {escape(unit)}</text>'
        )
    parts += _axis(0.0, top, LEFT, inner_w, HISTOGRAM_HEIGHT - 10, unit)
    return _svg(WIDTH, HISTOGRAM_HEIGHT, parts, 'Histogram')


def timeline(notes: Sequence[FrameNote]) -> str:
    """Draw what became of every frame along the bag, one lane for each outcome and cause.

    Args:
        notes: All notes.
    """
    if not notes:
        return '<p class="note">No frame arrived.</p>'
    lanes = Counter((note.outcome, note.cause) for note in notes)
    order = ['answered', 'unpaired', 'rejected', 'dropped']
    names = sorted(lanes, key=lambda lane: (order.index(lane[0]), lane[1]))
    end_s = max(note.time_s for note in notes) or 1.0
    inner_w = TIMELINE_WIDTH - TIMELINE_LEFT - RIGHT
    height = LANE_HEIGHT * len(names) + BOTTOM
    parts: list[str] = []
    for row, lane in enumerate(names):
        y = 4 + row * LANE_HEIGHT
        outcome, cause = lane
        label = outcome if not cause else f'{outcome}: {cause}'
        parts.append(
            f'<line class="grid" x1="{TIMELINE_LEFT}" y1="{y + LANE_HEIGHT - 4}" '
            f'x2="{TIMELINE_WIDTH - RIGHT}" y2="{y + LANE_HEIGHT - 4}"/>'
            f'<text x="0" y="{y + 14}">{escape(label)} ({lanes[lane]})</text>'
        )
        times = sorted(note.time_s for note in notes if (note.outcome, note.cause) == lane)
        stride = math.ceil(len(times) / MAX_MARKS)
        marks = ''.join(
            f'M{TIMELINE_LEFT + inner_w * time_s / end_s:.1f} {y + 2}h1.6v{LANE_HEIGHT - 8}h-1.6z'
            for time_s in times[::stride]
        )
        parts.append(f'<path class="{outcome}" d="{marks}"/>')
    parts += _axis(0.0, end_s, TIMELINE_LEFT, inner_w, height - 8, 's')
    return _svg(TIMELINE_WIDTH, height, parts, 'Timeline')


def _svg(width: int, height: int, parts: Sequence[str], label: str) -> str:
    body = ''.join(parts)
    return f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{label}">{body}</svg>'


def _grid(inner_h: int, highest: int) -> str:
    lines = ''
    for share in (0.0, 0.5, 1.0):
        y = TOP + inner_h * (1.0 - share)
        lines += (
            f'<line class="grid" x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}"/>'
            f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{highest * share:.0f}</text>'
        )
    return lines


def _axis(low: float, high: float, left: int, width: int, y: int, unit: str) -> list[str]:
    ticks = 5
    texts = []
    for index in range(ticks + 1):
        value = low + (high - low) * index / ticks
        digits = 0 if high >= 20 else 1 if high >= 2 else 2
        text = f'{value:.{digits}f}' + (f' {unit}' if index == ticks else '')
        anchor = 'end' if index == ticks else 'start' if index == 0 else 'middle'
        x = left + width * index / ticks
        texts.append(f'<text x="{x:.1f}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>')
    return texts


def _round_up(value: float) -> float:
    """Return the next 1, 2, 2.5 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(max(value, 1e-6)))
    return next(
        factor * power for factor in (1, 1.5, 2, 2.5, 3, 4, 5, 7.5, 10) if factor * power >= value
    )
