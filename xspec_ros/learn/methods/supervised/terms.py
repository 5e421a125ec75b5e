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

"""The named, weighted terms of plain training on masks and boxes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.nn import functional

from xspec_ros.learn.methods.supervised.detection_loss import BoxTruth, detection_loss
from xspec_ros.learn.methods.supervised.segmentation_loss import (
    complement_loss,
    segmentation_cross_entropy,
)

if TYPE_CHECKING:
    import torch

    from xspec_ros.learn.batch import Batch
    from xspec_ros.learn.methods.supervised.args import SupervisedArgs
    from xspec_ros.learn.models.student import StudentOutput


def supervised_terms(
    output: StudentOutput, batch: Batch, args: SupervisedArgs, class_weights: torch.Tensor
) -> dict[str, torch.Tensor]:
    """Return the terms of a batch, each task where its pictures have labels.

    Args:
        output: What the network says of it.
        batch: The labels.
        args: Weights of the terms.
        class_weights: (K,) weight of a pixel by its label.

    Returns:
        Terms by name, each () float32.
    """
    masked = batch.has_masks  # the full-size logits are costly: only where they are used
    label_map, mask_classes = batch.label_map[masked], batch.mask_classes[masked]
    logits = functional.interpolate(
        output.seg_logits.float()[masked],
        size=label_map.shape[-2:],
        mode='bilinear',
        align_corners=False,
    )  # (M, K, H, W)
    det = detection_loss(
        output.det,
        BoxTruth(batch.boxes_xyxy, batch.box_classes, batch.box_crowd, batch.has_boxes),
    )
    ce = segmentation_cross_entropy(logits, label_map, class_weights)
    none_of = complement_loss(logits, label_map, mask_classes)
    return {
        'seg': args.segmentation * ce,
        'complement': args.complement * none_of,
        'box': args.box * det.box,
        'obj': args.objectness * det.obj,
        'cls': args.classification * det.cls,
    }
