"""The state of a live run as ``/diagnostics`` tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xspec_ros.messages.diagnostics import ERROR, OK, Status, WARN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from xspec_ros.dds.watch import InputWatch

NODE = 'perception'


def live_statuses(
    summary: Mapping[str, object], watches: Sequence[InputWatch], *, now_ns: int, late: int
) -> list[Status]:
    """Return one status for each camera, the pipeline and the engine.

    Args:
        summary: ``Pipeline.summary()``.
        watches: The cameras.
        now_ns: Monotonic time.
        late: Messages that a stuck reader held up.
    """
    return [
        *(_input_status(watch, now_ns) for watch in watches),
        _pipeline_status(summary, late),
        Status(
            level=OK,
            name=f'{NODE}: engine',
            message=f'{summary["model"]} on {summary["engine"]}',
            values={key: str(summary[key]) for key in ('model', 'engine', 'precision')},
        ),
    ]


def _input_status(watch: InputWatch, now_ns: int) -> Status:
    period_ns = watch.loss.period_ns()
    values = {
        'topic': watch.topic,
        'received': str(watch.received),
        'rate_hz': f'{1e9 / period_ns:.1f}' if period_ns else '0.0',
        'missed': str(watch.loss.missed),
        'lost_share': f'{watch.loss.share():.3f}',
    }
    level, message = OK, 'receiving'
    if not watch.received:
        level, message = WARN, 'nothing received yet'
    elif watch.dead:
        level, message = ERROR, f'silent for {watch.age_s(now_ns):.1f} s'
    elif watch.loss.share() > 0.02:
        level, message = WARN, 'frames do not arrive'
    return Status(level=level, name=f'{NODE}: {watch.name} input', message=message, values=values)


def _pipeline_status(summary: Mapping[str, object], late: int) -> Status:
    values = {
        key: str(value)
        for key, value in summary.items()
        if isinstance(value, int | float | str) and key not in ('model', 'engine', 'precision')
    }
    values['late_writes'] = str(late)
    for family in ('dropped_by', 'rejected_by', 'rejected_rgb_by', 'warnings'):
        causes = summary.get(family)
        if isinstance(causes, dict):
            values.update({f'{family}/{cause}': str(count) for cause, count in causes.items()})
    troubled = bool(summary.get('rejected')) or late > 0
    message = f'{summary["answered"]} of {summary["thermal"]} thermal frames answered'
    return Status(
        level=WARN if troubled else OK, name=f'{NODE}: pipeline', message=message, values=values
    )
