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

"""From boxes to embeddings of unit length, and to those of every process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

from xspec_ros.learn.methods.cgdet.loss import Embedded, EPS
from xspec_ros.learn.methods.cgdet.roi import box_levels, roi_features
from xspec_ros.learn.methods.gather import gather_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xspec_ros.learn.methods.cgdet.args import CgdetArgs
    from xspec_ros.learn.methods.cgdet.sampling import Rois


def build_projector(width: int, args: CgdetArgs) -> nn.Module:
    """Return the map from (R, width) features to (R, D), shared by all levels."""
    if args.projector == 'linear':
        return nn.Linear(width, args.embedding)
    return nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, args.embedding))


def embed(
    pyramid: Sequence[torch.Tensor], rois: Rois, projector: nn.Module, *, size: int, width: int
) -> Embedded:
    """Return the embeddings of boxes, float32 throughout.

    Args:
        pyramid: P3, P4, P5, each (B, C, h, w).
        rois: The boxes.
        projector: From features to embeddings.
        size: Bins along a side of a box.
        width: Columns of a whole picture at the scale of the boxes.
    """
    levels = box_levels(rois.boxes_xyxy, width)
    features = roi_features(pyramid, rois.boxes_xyxy, rois.rows, levels=levels, size=size)
    with torch.autocast(features.device.type, enabled=False):
        z = functional.normalize(projector(features), dim=1, eps=EPS)  # (R, D)
    return Embedded(z, rois.classes, rois.weights)


def of_all_processes(rois: Embedded) -> tuple[Embedded, int]:
    """Return the embeddings of every process, this one's with their gradient, and how many do."""
    told = torch.stack((rois.classes.float(), rois.weights), dim=1)
    parts = gather_rows(torch.cat((rois.z, told), dim=1))  # one (R, D + 2) a process
    rows = torch.cat(parts)
    return Embedded(rows[:, :-2], rows[:, -2].long(), rows[:, -1].detach()), len(parts)
