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

"""The domains of a batch: source (s) and target (t) by day (d) and by night (n).

``sd`` and ``td`` are pictures of the day and ``tn`` unlabelled ones of the target by night, all
real; ``sn`` and ``ts`` are ``sd`` and ``td`` with a night look.
"""

from __future__ import annotations

from typing import NamedTuple, TYPE_CHECKING

import torch

from xspec_ros.learn.methods.ccdistill.night import (
    draw,
    Draws,
    percentiles,
    rgb_night,
    thermal_night,
)
from xspec_ros.learn.methods.draws import picture_generator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xspec_ros.learn.batch import Batch
    from xspec_ros.learn.methods.ccdistill.args import CcDistillArgs

SOURCE = ('sd', 'sn')


class Rows(NamedTuple):
    """Rows of a batch, each (M,) int64.

    Attributes:
        source: Source by day.
        day: Target by day.
        night: Target by night; no label of theirs is ever read.
    """

    source: torch.Tensor
    day: torch.Tensor
    night: torch.Tensor

    def of(self, domain: str) -> torch.Tensor:
        """Return the rows that a domain's pictures come from.

        Without a night to lend its look, or without a source to compare with, ``ts`` has none.
        """
        if domain == 'ts' and not self.whole():
            return self.day[:0]
        if domain == 'tn':
            return self.night
        return self.source if domain in SOURCE else self.day

    def whole(self) -> bool:
        """Return whether no domain is empty."""
        return min(len(rows) for rows in self) > 0


def arrange(names: Sequence[str], *, seed: int, step: int) -> list[int]:
    """Return places in an order drawn by name: who is matched with whom changes with the step.

    The order of the batch does not matter.
    """
    draws = [
        float(torch.rand((), generator=picture_generator(seed, step, f'turn of {name}')))
        for name in names
    ]
    return sorted(range(len(names)), key=draws.__getitem__)


def pair_rows(batch: Batch, order: Sequence[int]) -> Rows:
    """Sort pairs of RGB (source) and thermal (target) pictures.

    A pair of unknown hour counts as day where it has labels, and not at all where it has none.
    """
    day, labelled = batch.day.tolist(), batch.has_masks.tolist()
    lit = [row for row in order if day[row] == 1 or (day[row] < 0 and labelled[row])]
    return _rows(batch, lit, lit, [row for row in order if day[row] == 0])


def rgb_rows(batch: Batch, order: Sequence[int]) -> Rows:
    """Sort RGB pictures of two cameras: labelled ones are the source, the others the target.

    Night pictures are the target whether labelled or not.
    """
    day, labelled = batch.day.tolist(), batch.has_masks.tolist()
    source = [row for row in order if labelled[row] and day[row] != 0]
    target = [row for row in order if not labelled[row] and day[row] == 1]
    return _rows(batch, source, target, [row for row in order if day[row] == 0])


def domain_pictures(
    rgb: torch.Tensor,
    target: torch.Tensor,
    batch: Batch,
    *,
    rows: Rows,
    args: CcDistillArgs,
    step: int,
) -> dict[str, torch.Tensor]:
    """Return the pictures of every domain that a term reads.

    Args:
        rgb: (B, 3, H, W) RGB pictures of the batch, the source among them.
        target: (B, C, H, W) the target's pictures of the batch, thermal or RGB.
        batch: Their names and what of them is inside.
        rows: Which are what.
        args: Which domains are read, and the seed.
        step: Step of the run.

    Returns:
        Pictures by domain, (M, C, H, W) float32 in [0, 1].
    """
    found = {'sd': rgb[rows.source], 'td': target[rows.day]}

    def draws(domain: str) -> Draws:
        names = [batch.names[row] for row in rows.of(domain).tolist()]
        return draw(names, found[domain], seed=args.seed, step=step)

    if args.sees_source_night():
        found['sn'] = rgb_night(found['sd'], rgb[rows.night], draws('sd'))
    if args.sees_synthetic_night():
        found['ts'] = target[rows.of('ts')]
        if rows.whole() and target.shape[1] == 1:
            levels = [percentiles(target[r], batch.inside[r]) for r in (rows.day, rows.night)]
            found['ts'] = thermal_night(found['td'], *levels, draws=draws('td'))
        elif rows.whole():
            found['ts'] = rgb_night(found['td'], target[rows.night], draws('td'))
    if args.sees_night():
        found['tn'] = target[rows.night]
    return found


def _rows(batch: Batch, *groups: Sequence[int]) -> Rows:
    device = batch.day.device
    return Rows(*(torch.tensor(group, dtype=torch.int64, device=device) for group in groups))
