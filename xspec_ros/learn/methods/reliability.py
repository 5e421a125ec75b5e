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

"""How far the RGB half of a pair can be believed: one function for every method."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from xspec_ros.learn.data.daylight import HYSTERESIS, THRESHOLD

if TYPE_CHECKING:
    from xspec_ros.learn.batch import Batch

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as daylight has it


@torch.no_grad()
def rgb_reliability(batch: Batch) -> torch.Tensor:
    """Return 1 by day, 0 at night and by the brightness where nobody knows.

    A picture of unknown hour weighs between 0 and 1 as its mean luma runs through the band in
    which a drive's pictures keep the hour of the one before.

    Args:
        batch: Luma is taken over the pixels inside; without RGB every picture weighs 0.

    Returns:
        (B,) float32 in [0, 1].
    """
    known = (batch.day == 1).float()
    if batch.rgb is None:
        return torch.zeros_like(known)
    weights = batch.rgb.new_tensor(LUMA, dtype=torch.float32)[None, :, None, None]
    luma = (batch.rgb.float() * weights).sum(dim=1)  # (B, H, W)
    pixels = batch.inside.flatten(1).sum(dim=1).clamp(min=1)
    mean = torch.where(batch.inside, luma, 0.0).flatten(1).sum(dim=1) / pixels  # (B,)
    bright = ((mean - THRESHOLD) / HYSTERESIS + 0.5).clamp(0.0, 1.0)
    return torch.where(batch.day < 0, bright, known)
