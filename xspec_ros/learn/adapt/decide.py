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

"""Whether a new model may take the place of the old one: one pure rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from xspec_ros.learn.adapt.figures import KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xspec_ros.learn.adapt.figures import Figures
    from xspec_ros.learn.adapt.settings import AdaptSettings

FEW_BOXES = 0.2  # a frame: a detection class with fewer is not shown, two false ones can go


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the rule looks at.

    Attributes:
        before: The old model.
        after: The new one, on the same frames.
    """

    before: Figures
    after: Figures


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What came of it.

    Attributes:
        accepted: Whether the new model is handed over.
        reason: The figures and limits that decided.
    """

    accepted: bool
    reason: str


def decide(evidence: Evidence, limits: AdaptSettings) -> Decision:
    """Decide.

    With labels a loss of mIoU or mAP50 refuses; without, a loss of agreement with the RGB
    teacher or of mean consistency. Vanished classes and too little agreement with the old model
    refuse in both cases; vanished boxes where no labelled boxes judge them.

    Args:
        evidence: Figures before and after.
        limits: What is allowed.
    """
    findings = [
        _agreement(evidence, limits),
        _vanished(evidence.before.shares, evidence.after.shares, limits.shown, limits),
        *_losses(evidence, limits),
    ]
    if evidence.after.map50 is None:
        before, after = evidence.before.boxes, evidence.after.boxes
        findings.append(_vanished(before, after, FEW_BOXES, limits, what='detection classes'))
    refusals = [finding.reason for finding in findings if not finding.accepted]
    if refusals:
        return Decision(accepted=False, reason='; '.join(refusals))
    said = [finding.reason for finding in findings if finding.reason]
    return Decision(accepted=True, reason='; '.join(said))


def _losses(evidence: Evidence, limits: AdaptSettings) -> list[Decision]:
    before, after = evidence.before, evidence.after
    labelled = [('mIoU', before.miou, after.miou), ('mAP50', before.map50, after.map50)]
    if any(new is not None for _, _, new in labelled):
        return [_loss(what, old, new, limits.points_lost) for what, old, new in labelled]
    kinds = tuple(k for k in KINDS if k in before.consistency and k in after.consistency)
    if not kinds:
        return [Decision(accepted=False, reason='nothing could be measured')]
    consistency = before.mean_consistency(kinds), after.mean_consistency(kinds)
    most = limits.unlabelled_points_lost  # these only stand for accuracy
    return [
        _loss('agreement with the teacher', before.teacher, after.teacher, most),
        _loss('mean consistency', *consistency, most),
    ]


def _loss(what: str, old: float | None, new: float | None, most: float) -> Decision:
    """Compare one figure; one that was not measured decides nothing."""
    if old is None or new is None:
        return Decision(accepted=True, reason='')
    change = 100.0 * (new - old)
    figures = f'{what} {100.0 * old:.2f} -> {100.0 * new:.2f} ({change:+.2f} points'
    if not change >= -most:  # NaN refuses too
        reason = f'{figures}, at most {most:g} may be lost)'
        return Decision(accepted=False, reason=reason)
    return Decision(accepted=True, reason=f'{figures})')


def _agreement(evidence: Evidence, limits: AdaptSettings) -> Decision:
    share = evidence.after.agreement
    if share is None:
        return Decision(accepted=True, reason='')
    figures = f'agreement with the source model {share:.3f}'
    if not share >= limits.least_agreement:
        reason = f'{figures}, at least {limits.least_agreement:g} is needed'
        return Decision(accepted=False, reason=reason)
    return Decision(accepted=True, reason=figures)


def _vanished(
    before: Mapping[str, float],
    after: Mapping[str, float],
    least: float,
    limits: AdaptSettings,
    *,
    what: str = 'classes',
) -> Decision:
    shown = [name for name, share in before.items() if share >= least]
    gone = [name for name in shown if not after.get(name, 0.0) >= limits.vanished * before[name]]
    if len(gone) > limits.most_vanished * len(shown):
        reason = (
            f'{len(gone)} of {len(shown)} {what} vanished: {", ".join(gone)} (at most '
            f'{100.0 * limits.most_vanished:g} % may)'
        )
        return Decision(accepted=False, reason=reason)
    reason = f'{len(gone)} of {len(shown)} {what} vanished' if shown else ''
    return Decision(accepted=True, reason=reason)
