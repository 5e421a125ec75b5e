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

"""What a batch teaches: pseudo-labels, the teachers' distributions, and who is believed."""

from __future__ import annotations

from typing import NamedTuple, TYPE_CHECKING

import torch

from xspec_ros.learn.methods.crm.loss import inside_cells
from xspec_ros.learn.methods.crossmatch.denoise import (
    confidence_counts,
    denoised,
    kept,
    labels_of,
)
from xspec_ros.learn.methods.crossmatch.loss import course
from xspec_ros.learn.methods.masked_mutual.loss import log_probabilities

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xspec_ros.learn.methods.crossmatch.args import CrossmatchArgs
    from xspec_ros.learn.models.student import StudentOutput

BY_DAY = 0.5  # reliability from which on the source's own answers are labels
STRIDE = 2  # of labels and losses in pixels: the deployed arg-max has the same


class Lesson(NamedTuple):
    """What the students are to learn, in cells of ``STRIDE`` pixels.

    Attributes:
        label_map: (B, h, w) int64, ``IGNORE`` where nothing is learnt.
        cells: (B, h, w) bool, inside the picture.
        labelled: (B,) bool: pictures that whoever labels knows anything of.
        log_teachers: (B, K, h, w) log-probabilities of the thermal and the auxiliary teacher.
        counts: (K, bins) histogram of confidence that moves the thresholds.
    """

    label_map: torch.Tensor
    cells: torch.Tensor
    labelled: torch.Tensor
    log_teachers: list[torch.Tensor]
    counts: torch.Tensor


class Moment(NamedTuple):
    """Where in the run a step is.

    Attributes:
        step: Steps since the warm-up; below 0 during it.
        steps: Steps after the warm-up.
    """

    step: int
    steps: int

    @property
    def warming(self) -> bool:
        """The students still learn from the source alone."""
        return self.step < 0


def source_alone(moment: Moment, args: CrossmatchArgs) -> bool:
    """Return whether the labels are the source's own answers."""
    return moment.warming or args.denoise == 'source'


@torch.no_grad()
def lesson_of(
    source: torch.Tensor,
    teachers: Sequence[StudentOutput],
    inside: torch.Tensor,
    *,
    reliability: torch.Tensor,
    medians: torch.Tensor,
    moment: Moment,
    args: CrossmatchArgs,
) -> Lesson:
    """Return what a batch teaches.

    Args:
        source: (B, K, H/4, W/4) logits of the source on the weak view.
        teachers: Answers of the teachers on the same; none where nobody asks them.
        inside: (B, H, W) bool, inside the picture.
        reliability: (B,) v, how far the source can be believed: 1 when it sees thermal.
        medians: (K,) moving medians of confidence.
        moment: Where in the run.
        args: The rule.
    """
    cells = inside_cells(inside, STRIDE)
    size = (cells.shape[-2], cells.shape[-1])
    v = reliability[:, None, None, None]
    log_source = log_probabilities(v * source, size)  # of P0 ** v: uniform at v = 0
    log_teachers = [log_probabilities(each.seg_logits, size) for each in teachers]
    agree = None
    if source_alone(moment, args):
        labelled = reliability >= BY_DAY  # below, its labels are guesses at a class
        log_q = log_source
    else:
        labelled = torch.ones_like(reliability, dtype=torch.bool)
        gamma = course(moment.step, moment.steps, start=args.gamma_start, end=args.gamma_end)
        sides = (log_teachers[0], log_teachers[-1])  # one teacher alone is both
        log_q = denoised(log_source, *sides, gamma=gamma, beta=args.beta)
        if len(log_teachers) > 1:
            agree = sides[0].argmax(dim=1) == sides[1].argmax(dim=1)
    labels, known = labels_of(log_q), cells & labelled[:, None, None]
    threshold = medians.clamp(max=args.tau_max)
    if moment.warming:
        threshold = torch.full_like(medians, args.warmup_confidence)
    label_map = kept(labels, known, threshold, agree=agree, agree_confidence=args.agree_confidence)
    counts = confidence_counts(labels, known, len(medians))
    return Lesson(label_map, cells, labelled, log_teachers, counts)
