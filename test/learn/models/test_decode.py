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

from __future__ import annotations

import torch

from xspec_ros.learn.models.decode import decode_boxes, flatten_levels
from xspec_ros.learn.models.student import DetLevel


def level(stride, h, w):
    return DetLevel(
        cls=torch.zeros(1, 2, h, w),
        box=torch.zeros(1, 4, h, w),
        obj=torch.zeros(1, 1, h, w),
        stride=stride,
    )


def test_zero_values_give_one_cell_around_its_centre():
    boxes, scores = decode_boxes([level(8, 2, 3)])
    assert boxes[0, 0].tolist() == [0, 0, 8, 8]
    assert boxes[0, 5].tolist() == [16, 8, 24, 16]  # rows first
    assert torch.allclose(scores, torch.tensor(0.25))


def test_levels_follow_one_another_finest_first():
    flat = flatten_levels([level(8, 2, 2), level(16, 1, 1)])
    assert flat.stride.tolist() == [8, 8, 8, 8, 16]
    assert flat.centre[-1].tolist() == [8, 8]


def test_offsets_are_in_cells_and_sizes_in_log_strides():
    one = level(16, 1, 1)
    one.box[0, :, 0, 0] = torch.tensor([0.5, -0.25, 1.0, 0.0])
    boxes, _ = decode_boxes([one])
    half = 8 * torch.e
    expected = torch.tensor([16 - half, 4 - 8, 16 + half, 4 + 8])
    assert torch.allclose(boxes[0, 0], expected, atol=1e-4)


def test_absurd_sizes_stay_finite():
    one = level(32, 1, 1)
    one.box[:] = 1e4
    assert torch.isfinite(decode_boxes([one])[0]).all()
