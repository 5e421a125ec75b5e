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

"""The pictures that teachers and students are shown."""

from __future__ import annotations

from typing import NamedTuple, TYPE_CHECKING

import torch

from xspec_ros.errors import DataError
from xspec_ros.learn.methods.crossmatch.auxiliary import gradient_image
from xspec_ros.learn.methods.crossmatch.views import draw_views, strong_rgb, strong_thermal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xspec_ros.core.frame import Modality
    from xspec_ros.learn.batch import Batch
    from xspec_ros.learn.methods.crossmatch.args import CrossmatchArgs, Second


class Sight(NamedTuple):
    """What both streams are shown.

    Attributes:
        thermal: (B, 1, H, W) in [0, 1].
        second: (B, C, H, W) in [0, 1] for the auxiliary network, or None without one.
        reliability: (B,) how far the second picture can be believed.
    """

    thermal: torch.Tensor
    second: torch.Tensor | None
    reliability: torch.Tensor


def weak_sight(batch: Batch, day: torch.Tensor, kind: Second) -> Sight:
    """Return the pictures as they are.

    Args:
        batch: The batch.
        day: (B,) reliability of RGB.
        kind: The second picture.

    Raises:
        DataError: The batch lacks one.
    """
    thermal = present(batch, 'thermal')
    if kind == 'rgb':
        return Sight(thermal, present(batch, 'rgb'), day)
    second = gradient_image(thermal) if kind == 'gradient' else None
    return Sight(thermal, second, torch.ones_like(day))


def strong_sight(
    batch: Batch, weak: Sight, boxes: Sequence[torch.Tensor], args: CrossmatchArgs, *, step: int
) -> Sight:
    """Return the strong view of the same pictures.

    Args:
        batch: Their names.
        weak: The pictures.
        boxes: (N, 4) boxes of every picture that must stay visible to a half.
        args: Amounts and the second picture.
        step: Step of the run.
    """
    size = (weak.thermal.shape[-2], weak.thermal.shape[-1])
    view = draw_views(batch.names, size, args.view, seed=args.seed, step=step, boxes=boxes)
    thermal = strong_thermal(weak.thermal, view)
    if weak.second is None:
        return weak._replace(thermal=thermal)
    if args.auxiliary == 'gradient':
        return weak._replace(thermal=thermal, second=gradient_image(thermal))
    shown = view.shown.to(weak.reliability.device)
    return Sight(thermal, strong_rgb(weak.second, view), weak.reliability * shown)


def present(batch: Batch, camera: Modality) -> torch.Tensor:
    """Return the pictures of a camera.

    Raises:
        DataError: There are none.
    """
    picture = batch.thermal if camera == 'thermal' else batch.rgb
    if picture is None:
        message = f'a batch without {camera} pictures: {batch.names[:4]}'
        hint = 'crossmatch needs rgb for an RGB source and for auxiliary: rgb'
        raise DataError(message, hint=hint)
    return picture
