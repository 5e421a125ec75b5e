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

"""The state of a running pipeline as ``/diagnostics`` tells it, the same behind every door."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xspec_ros.messages.diagnostics import ERROR, OK, Status, WARN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xspec_ros.core.frame import Modality
    from xspec_ros.perception.pipeline import Pipeline

NODE = 'perception'
LOSS_SHARE = 0.02
COUNT_FAMILIES = ('dropped_by', 'rejected_by', 'rejected_rgb_by', 'warnings')
ENGINE_KEYS = ('model', 'engine', 'precision')


def pipeline_statuses(pipeline: Pipeline, now_ns: int) -> list[Status]:
    """Return one status for each camera, the pairing, the pipeline and the engine.

    Args:
        pipeline: The running pipeline.
        now_ns: Monotonic time.
    """
    counts = pipeline.progress()
    return [
        _camera_status(pipeline, 'thermal', now_ns),
        _camera_status(pipeline, 'rgb', now_ns),
        _pairing_status(pipeline),
        _pipeline_status(counts),
        _engine_status(counts),
    ]


def _camera_status(pipeline: Pipeline, name: Modality, now_ns: int) -> Status:
    intake = pipeline.intake
    health, rate = intake.cameras.health(name, now_ns), intake.rates[name]
    chosen = pipeline.settings.thermal if name == 'thermal' else pipeline.settings.rgb
    values = {
        'topic': chosen.topic,
        'state': health.state,
        'received': str(intake.counts.received[name]),
        'rate_hz': f'{rate.rate_hz() or 0.0:.1f}',
        'missed': str(rate.missed),
        'lost_share': f'{rate.share():.3f}',
        'encoding': intake.inputs[name].encoding,
    }
    level, message = OK, health.message
    if health.is_error:
        level = ERROR if name == pipeline.intake.reference or health.state == 'dead' else WARN
    elif health.state != 'alive':
        level = WARN
    elif rate.share() > LOSS_SHARE:
        level, message = WARN, f'{name}: {rate.share():.0%} of the frames do not arrive'
    elif name == 'thermal' and intake.tone_state is not None and intake.tone_state.scale_suspect:
        median = intake.tone_state.median
        level, message = WARN, f'thermal_scale_suspect: median count {median:g}'
    return Status(level=level, name=f'{NODE}: {name} input', message=message, values=values)


def _pairing_status(pipeline: Pipeline) -> Status:
    counts, advice = pipeline.intake.sync.counts, pipeline.intake.sync.advice()
    values = {
        'paired': str(counts.paired),
        'skew_p50_ms': _milliseconds(counts.skew_p50_ms),
        'skew_p95_ms': _milliseconds(counts.skew_p95_ms),
        'offset_ms': _milliseconds(counts.offset_ms),
        'epochs': str(pipeline.intake.counts.epochs),
    }
    values |= {f'unpaired/{cause}': str(number) for cause, number in counts.unpaired_by.items()}
    if advice is None:
        message = f'{counts.paired} pairs'
        return Status(level=OK, name=f'{NODE}: pairing', message=message, values=values)
    return Status(level=WARN, name=f'{NODE}: pairing', message=advice.message, values=values)


def _pipeline_status(counts: Mapping[str, object]) -> Status:
    values = {
        key: str(value)
        for key, value in counts.items()
        if isinstance(value, int | float | str) and key not in ENGINE_KEYS
    }
    for family in COUNT_FAMILIES:
        causes = counts.get(family)
        if isinstance(causes, dict):
            values |= {f'{family}/{cause}': str(number) for cause, number in causes.items()}
    message = f'{counts["answered"]} of {counts["thermal"]} thermal frames answered'
    level = WARN if counts['rejected'] or counts['degraded'] else OK
    return Status(level=level, name=f'{NODE}: pipeline', message=message, values=values)


def _engine_status(counts: Mapping[str, object]) -> Status:
    return Status(
        level=OK,
        name=f'{NODE}: engine',
        message=f'{counts["model"]} on {counts["engine"]}',
        values={key: str(counts[key]) for key in ENGINE_KEYS},
    )


def _milliseconds(value: float | None) -> str:
    return '-' if value is None else f'{value:.1f}'
