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

"""The state of a harvest as ``/diagnostics`` tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from xspec_ros.messages.diagnostics import ERROR, OK, Status, WARN
from xspec_ros.perception.budget import MEGABYTE
from xspec_ros.perception.silence import explain_silence

if TYPE_CHECKING:
    from xspec_ros.bag.recorder import Recording
    from xspec_ros.core.frame import Modality
    from xspec_ros.perception.harvest import Harvest
    from xspec_ros.perception.silence import GraphView

Part: TypeAlias = tuple[int, str, dict[str, str]]

NODE = 'record_pairs'
CAMERAS: tuple[Modality, Modality] = ('thermal', 'rgb')
SLOW_DISK = 'the disk is slower than the pairs come: lower rate_hz'


def recorder_statuses(
    harvest: Harvest, recording: Recording, now_ns: int, *, graph: GraphView, node: str = NODE
) -> list[Status]:
    """Return one status for the recording, each camera and the pairing.

    Args:
        harvest: What is chosen.
        recording: What is written.
        now_ns: Monotonic time.
        graph: What is in sight, to say why a camera is silent.
        node: Prefix of the names.
    """
    parts = {'recording': _recording_status(harvest, recording)}
    parts |= {f'{name} input': _camera_status(harvest, name, now_ns, graph) for name in CAMERAS}
    parts['pairing'] = _pairing_status(harvest)
    return [
        Status(level=level, name=f'{node}: {part}', message=message, values=values)
        for part, (level, message, values) in parts.items()
    ]


def _recording_status(harvest: Harvest, recording: Recording) -> Part:
    counts = harvest.counts
    median, free = harvest.median_confidence, recording.free_bytes
    values = {
        'keep_by': harvest.settings.keep_by,
        'seen': str(counts.seen),
        'kept': str(counts.kept),
        'waiting': str(harvest.waiting),
        'written': str(recording.pairs),
        'queued': str(recording.queued),
        'lost': str(recording.lost),
        'files': str(recording.files),
        'file': str(recording.path or ''),
        'used_mb': f'{recording.used_bytes / MEGABYTE:.1f}',
        'budget_mb': f'{recording.limit_bytes / MEGABYTE:.1f}',
        'free_mb': '-' if free is None else f'{free / MEGABYTE:.1f}',
    }
    values |= {f'skipped/{cause}': str(number) for cause, number in counts.skipped.items()}
    if harvest.settings.keep_by == 'uncertainty':
        values['confidences'] = str(counts.confidences)
        values['median_confidence'] = '-' if median is None else f'{median:.3f}'
    level, message = _verdict(harvest, recording)
    return level, message, values


def _verdict(harvest: Harvest, recording: Recording) -> tuple[int, str]:
    counts, settings = harvest.counts, harvest.settings
    if recording.failure:
        return ERROR, f'stopped: {recording.failure}'
    if settings.keep_by == 'uncertainty' and counts.seen and not counts.confidences:
        where = settings.confidence.topic
        return WARN, f'no confidence map on {where}: start perception, or name its topic'
    if counts.skipped['queue']:
        return WARN, f'{counts.skipped["queue"]} pairs lost: {SLOW_DISK}'
    return OK, f'{counts.kept} of {counts.seen} pairs kept'


def _camera_status(harvest: Harvest, name: Modality, now_ns: int, graph: GraphView) -> Part:
    settings = harvest.settings.thermal if name == 'thermal' else harvest.settings.rgb
    health, counts = harvest.cameras.health(name, now_ns), harvest.counts
    values = {
        'topic': settings.topic,
        'state': health.state,
        'received': str(counts.received[name]),
        'calibrated': str(name in harvest.calibrated),
    }
    rejected = counts.rejected[name]
    values |= {f'rejected/{reason}': str(number) for reason, number in rejected.items()}
    level, message = OK, health.message
    if health.is_error:
        level = ERROR
        if not counts.received[name]:
            message = explain_silence(name, settings, graph, granted=None).text
    elif harvest.rejects(name, now_ns):
        reasons = ', '.join(f'{number} {reason}' for reason, number in rejected.items())
        level, message = WARN, f'{name}: rejected {reasons}'
    elif health.state != 'alive':
        level = WARN
    return level, message, values


def _pairing_status(harvest: Harvest) -> Part:
    counts, advice = harvest.pairing, harvest.advice()
    values = {
        'paired': str(counts.paired),
        'skew_p50_ms': _milliseconds(counts.skew_p50_ms),
        'skew_p95_ms': _milliseconds(counts.skew_p95_ms),
        'offset_ms': _milliseconds(counts.offset_ms),
        'epochs': str(counts.epochs),
    }
    values |= {f'unpaired/{cause}': str(number) for cause, number in counts.unpaired_by.items()}
    level = OK if advice is None else WARN
    message = f'{counts.paired} pairs' if advice is None else advice.message
    return level, message, values


def _milliseconds(value: float | None) -> str:
    return '-' if value is None else f'{value:.1f}'
