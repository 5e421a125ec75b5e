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

"""What came of an adaptation, filled while it runs so that an early end still tells."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from xspec_ros.learn.adapt.figures import KINDS

if TYPE_CHECKING:
    from pathlib import Path

    from xspec_ros.learn.adapt.align import Alignment
    from xspec_ros.learn.adapt.figures import Figures
    from xspec_ros.learn.adapt.gather import Found


@dataclass(slots=True, kw_only=True)
class AdaptReport:
    """What came of an adaptation so far.

    Attributes:
        source: Model that was adapted.
        found: What the drives gave.
        alignment: Whether RGB was used, and why.
        before: Figures of the old model.
        after: Figures of the new one.
        accepted: Whether the new model was handed over.
        reason: Why, or why not.
        steps: Optimiser steps done.
        best_step: Step that the weights are of.
        ended: What ended the training.
        minutes: Time spent.
        path: Where the new model is.
        warnings: What its user should know, a line each.
    """

    source: str = ''
    found: Found | None = None
    alignment: Alignment | None = None
    before: Figures | None = None
    after: Figures | None = None
    accepted: bool = False
    reason: str = ''
    steps: int = 0
    best_step: int | None = None
    ended: str | None = None
    minutes: float = 0.0
    path: Path | None = None
    warnings: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, object]:
        """Return everything as JSON-ready values."""
        found = self.found
        return {
            'before': None if self.before is None else self.before.as_json(),
            'after': None if self.after is None else self.after.as_json(),
            'accepted': self.accepted,
            'reason': self.reason,
            'agreement': None if self.after is None else self.after.agreement,
            'frames': {
                'read': 0 if found is None else found.read,
                'chosen': 0 if found is None else found.chosen,
                'training': 0 if found is None else found.training,
                'kept_aside': 0 if found is None else found.aside,
                'pairs': 0 if found is None else found.pairs,
                'rejected_by': {} if found is None else found.rejected_by,
            },
            'registration': None if self.alignment is None else self.alignment.as_json(),
            'steps': self.steps,
            'best_step': self.best_step,
            'ended': self.ended,
            'minutes': round(self.minutes, 2),
            'source': self.source,
            'path': None if self.path is None else str(self.path),
            'warnings': self.warnings,
        }

    def as_text(self) -> str:
        """Return the same for a person."""
        lines = [f'{"accepted" if self.accepted else "refused"}: {self.reason}', '']
        lines += self._course()
        if self.before is not None and self.after is not None:
            lines += ['', *table(self.before, self.after)]
        lines += [f'warning: {warning}' for warning in self.warnings]
        return '\n'.join(lines)

    def _course(self) -> list[str]:
        lines = []
        if self.path is not None:
            lines.append(f'{"model":<14}{self.source} -> {self.path}')
        found = self.found
        if found is not None:
            left_out = ', '.join(f'{cause} {n}' for cause, n in found.rejected_by.items())
            lines.append(
                f'{"frames":<14}{found.read} read; {found.training} learned from, {found.aside} '
                f'kept aside; left out: {left_out or "none"}'
            )
        if self.alignment is not None:
            verdict = 'used' if self.alignment.used else 'not used'
            lines.append(f'{"RGB":<14}{verdict}: {self.alignment.reason}')
        if self.steps:
            best = '' if self.best_step is None else f', the best after {self.best_step}'
            lines.append(f'{"training":<14}{self.steps} steps{best}; {self.minutes:.1f} minutes')
        return lines


def table(before: Figures, after: Figures) -> list[str]:
    """Return the figures of both models as lines, in percent."""
    rows = [
        ('mIoU', before.miou, after.miou),
        ('mAP50', before.map50, after.map50),
        ('agrees with teacher', before.teacher, after.teacher),
        *(
            (f'{kind} consistency', before.consistency.get(kind), after.consistency.get(kind))
            for kind in KINDS
        ),
        ('agrees with source', None, after.agreement),
    ]
    lines = [f'{"":<24}{"before":>8}{"after":>8}']
    for name, old, new in rows:
        if old is not None or new is not None:
            lines.append(f'{name:<24}{_cell(old)}{_cell(new)}')
    if before.miou is None and before.map50 is None:
        lines.append('consistency is not accuracy: give --guard to measure that')
    return lines


def _cell(value: float | None) -> str:
    return f'{"-":>8}' if value is None else f'{100.0 * value:>8.2f}'
