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

from collections.abc import Mapping
from typing import TYPE_CHECKING

from xspec_ros.bundle.store import bundle_hash
from xspec_ros.messages.diagnostics import ERROR, OK, Status, WARN
from xspec_ros.perception.calibration import judge_calibration
from xspec_ros.perception.notices import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from xspec_ros.bundle.store import Bundle
    from xspec_ros.core.frame import Modality
    from xspec_ros.perception.notices import Notice
    from xspec_ros.perception.pipeline import Pipeline

NODE = 'perception'
LOSS_SHARE = 0.02
RECENT_NS = 5 * NS_PER_S
SHORT_HASH = 12
INPUTS: tuple[Modality, Modality] = ('thermal', 'rgb')
COUNT_FAMILIES = ('degraded_by', 'dropped_by', 'rejected_by', 'rejected_rgb_by', 'warnings')
ENGINE_KEYS = ('model', 'engine', 'precision')
LEVELS = {'info': OK, 'warning': WARN, 'error': ERROR}
ABOUT_MODEL = ('swap', 'model')


class StatusBoard:
    """Writes the statuses of one pipeline; remembers what should not be worked out each time.

    Args:
        pipeline: The running pipeline.
        node: Prefix of the names.
    """

    def __init__(self, pipeline: Pipeline, node: str = NODE) -> None:
        self._pipeline = pipeline
        self._node = node
        self._hashed: tuple[Bundle, str] | None = None
        self._rejected = _Growth()
        self._degraded = _Growth()

    def write(
        self,
        now_ns: int,
        *,
        troubles: Mapping[Modality, Notice] | None = None,
        silent: Collection[Modality] = (),
        noted: Sequence[Notice] = (),
    ) -> list[Status]:
        """Return one status for each camera, the pairing, the pipeline and the engine.

        Args:
            now_ns: Monotonic time.
            troubles: What holds of the cameras.
            silent: Cameras that the door has not heard since it began to listen.
            noted: Notices of the door that hold; those about the model go to the engine.
        """
        found = troubles or {}
        model = [notice for notice in noted if notice.kind.startswith(ABOUT_MODEL)]
        others = [notice for notice in noted if notice not in model]
        counts = self._pipeline.progress()
        return [
            *(
                self._camera(name, now_ns, trouble=found.get(name), silent=name in silent)
                for name in INPUTS
            ),
            self._pairing(),
            _with_notices(self._whole(counts, now_ns), others),
            _with_notices(self._engine(counts), model),
        ]

    def clock_status(self, clock_ns: int | None, trouble: Notice | None) -> Status | None:
        """Return the status of the node's clock, None where it follows none.

        Args:
            clock_ns: The clock under ``use_sim_time``, else None.
            trouble: What is wrong with it.
        """
        if clock_ns is None:
            return None
        level = OK if trouble is None else LEVELS[trouble.level]
        message = 'the clock runs' if trouble is None else trouble.text
        return self._status('clock', level, message, {'now_s': f'{clock_ns / NS_PER_S:.3f}'})

    def _status(self, part: str, level: int, message: str, values: Mapping[str, str]) -> Status:
        return Status(level=level, name=f'{self._node}: {part}', message=message, values=values)

    def _camera(
        self, name: Modality, now_ns: int, *, trouble: Notice | None, silent: bool
    ) -> Status:
        intake, settings = self._pipeline.intake, self._pipeline.settings
        health, rate = intake.cameras.health(name, now_ns), intake.rates[name]
        needed = settings.mode in (name, 'fused')
        values = {
            'topic': (settings.thermal if name == 'thermal' else settings.rgb).topic,
            'state': 'silent' if silent else health.state,
            'received': str(intake.counts.received[name]),
            'rate_hz': f'{rate.rate_hz() or 0.0:.1f}',
            'missed': str(rate.missed),
            'lost_share': f'{rate.share():.3f}',
            'encoding': intake.inputs[name].encoding,
        }
        calibration, told = judge_calibration(
            intake.calibrations.get(name), intake.inputs[name].size_hw
        )
        values['calibration'] = told
        level, message = OK, health.message
        if trouble is not None:
            level, message = LEVELS[trouble.level], trouble.text
        elif silent:
            level, message = WARN, f'{name}: no frame yet'
        elif health.is_error:
            level = ERROR if needed else WARN
        elif health.state != 'alive':
            level = WARN
        elif rate.share() > LOSS_SHARE:
            level, message = WARN, f'{name}: {rate.share():.0%} of the frames do not arrive'
        elif name == 'thermal' and intake.tone_state and intake.tone_state.scale_suspect:
            median = intake.tone_state.median
            level, message = WARN, f'thermal_scale_suspect: median count {median:g}'
        elif calibration == 'size':
            level, message = WARN, f'{name}: {told}'
        return self._status(f'{name} input', level, message, values)

    def _pairing(self) -> Status:
        intake = self._pipeline.intake
        counts, advice = intake.sync.counts, intake.sync.advice()
        values = {
            'paired': str(counts.paired),
            'skew_p50_ms': _milliseconds(counts.skew_p50_ms),
            'skew_p95_ms': _milliseconds(counts.skew_p95_ms),
            'offset_ms': _milliseconds(counts.offset_ms),
            'epochs': str(intake.counts.epochs),
        }
        values |= {f'unpaired/{why}': str(number) for why, number in counts.unpaired_by.items()}
        level = OK if advice is None else WARN
        message = f'{counts.paired} pairs' if advice is None else advice.message
        return self._status('pairing', level, message, values)

    def _whole(self, counts: Mapping[str, object], now_ns: int) -> Status:
        values = {
            key: str(value)
            for key, value in counts.items()
            if isinstance(value, int | float | str) and key not in ENGINE_KEYS
        }
        for family in COUNT_FAMILIES:
            causes = counts.get(family)
            if isinstance(causes, dict):
                values |= {f'{family}/{cause}': str(number) for cause, number in causes.items()}
        for quantile, value in self._pipeline.latency.recent('total').items():
            values[f'latency_{quantile}_ms'] = _milliseconds(value)
        camera = self._pipeline.intake.reference
        message = f'{counts["answered"]} of {counts[camera]} {camera} frames answered'
        if counts['rgb_alone']:
            message += f', and {counts["rgb_alone"]} rgb frames without thermal'
        troubles = []
        if self._degraded.is_recent(counts['degraded'], now_ns):
            causes = _causes(counts['degraded_by'])
            troubles.append(f'degraded: frames are answered from one camera ({causes})')
        if self._rejected.is_recent(counts['rejected'], now_ns):
            troubles.append(f'frames are rejected: {_causes(counts["rejected_by"])}')
        level = WARN if troubles else OK
        return self._status('pipeline', level, '; '.join([*troubles, message]), values)

    def _engine(self, counts: Mapping[str, object]) -> Status:
        perception = self._pipeline.perception
        if self._hashed is None or self._hashed[0] is not perception.bundle:
            self._hashed = perception.bundle, bundle_hash(perception.bundle)
        digest = self._hashed[1]
        values = {key: str(counts[key]) for key in ENGINE_KEYS}
        values |= {
            'mode': perception.mode,
            'hash': digest,
            'path': str(perception.bundle.path),
        }
        message = f'{counts["model"]} ({digest[:SHORT_HASH]}) on {counts["engine"]}'
        return self._status('engine', OK, message, values)


class _Growth:
    """Remembers when a count last grew."""

    def __init__(self) -> None:
        self._count: object = 0
        self._grew_ns: int | None = None

    def is_recent(self, count: object, now_ns: int) -> bool:
        if count != self._count:
            self._count, self._grew_ns = count, now_ns
        return self._grew_ns is not None and now_ns - self._grew_ns < RECENT_NS


def _with_notices(status: Status, notices: Sequence[Notice]) -> Status:
    """Put notices in front of a status; the worst level wins."""
    levels = [LEVELS[notice.level] for notice in notices]
    texts = [notice.text for notice in notices if notice.level != 'info']
    return Status(
        level=max([status.level, *levels]),
        name=status.name,
        message='; '.join([*texts, status.message]),
        values=status.values,
    )


def _causes(counts: object) -> str:
    """List causes with their numbers, the most frequent first."""
    if not isinstance(counts, Mapping):
        return ''
    ordered = sorted(counts.items(), key=lambda item: item[1], reverse=True)
    return ', '.join(f'{cause} {number}' for cause, number in ordered)


def _milliseconds(value: float | None) -> str:
    return '-' if value is None else f'{value:.1f}'
