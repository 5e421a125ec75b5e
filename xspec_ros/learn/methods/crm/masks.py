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

"""Which patches of which camera are hidden, and the pictures without them.

Shin et al., "Complementary Random Masking for RGB-Thermal Semantic Segmentation",
https://arxiv.org/abs/2303.17386. Letters: B batch, G x J the grid of patches. A mask is True
where the patch is hidden.
"""

from __future__ import annotations

import math
from typing import NamedTuple, TYPE_CHECKING

import torch

from xspec_ros.errors import DataError
from xspec_ros.learn.methods.draws import picture_generator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xspec_ros.learn.methods.crm.args import CrmArgs, Strategy


class PatchMasks(NamedTuple):
    """Hidden patches of both cameras, each (B, G, J) bool."""

    thermal: torch.Tensor
    rgb: torch.Tensor


def draw_masks(
    names: Sequence[str], grid: tuple[int, int], args: CrmArgs, *, step: int
) -> PatchMasks:
    """Draw the masks of a batch.

    ``ceil(rho * G * J)`` patches are drawn without replacement. ``comp`` hides the draw from RGB
    and the rest from thermal; ``rand_comp`` does so, or hides one of the two alone, each in a
    third of the draws; ``indiv`` draws twice. A picture's draw depends on the seed, the step and
    its name, not on its place in the batch: a resumed run repeats it, and so do several processes
    that share out the batch.

    Args:
        names: Name of every picture.
        grid: G and J.
        args: Share, strategy and seed.
        step: Step of the run.
    """
    drawn = [
        _draw(
            grid,
            args.rho,
            strategy=args.strategy,
            generator=picture_generator(args.seed, step, name),
        )
        for name in names
    ]
    return PatchMasks(*(torch.stack(masks) for masks in zip(*drawn, strict=True)))


def grid_of(picture: torch.Tensor, patch: int) -> tuple[int, int]:
    """Return the rows and columns of patches in (B, C, H, W).

    Raises:
        DataError: The picture is not a whole number of patches.
    """
    height, width = picture.shape[-2:]
    if height % patch or width % patch:
        message = f'pictures of {height}x{width} are no whole number of {patch}-pixel patches'
        raise DataError(message, hint=f'make train.crop_hw multiples of {patch}')
    return height // patch, width // patch


def hide(picture: torch.Tensor, patch_mask: torch.Tensor, token: torch.Tensor) -> torch.Tensor:
    """Put the token in the place of hidden patches.

    ``x * (1 - M) + t * M`` as a choice, so that no value under a mask can come through.

    Args:
        picture: (B, C, H, W).
        patch_mask: (B, G, J) bool, its patches H / G by W / J pixels.
        token: (1, C, 1, 1), what a hidden pixel reads.

    Returns:
        (B, C, H, W).
    """
    rows, columns = picture.shape[-2] // patch_mask.shape[1], picture.shape[-1]
    hidden = patch_mask.to(picture.device)[:, None].repeat_interleave(rows, dim=2)
    hidden = hidden.repeat_interleave(columns // patch_mask.shape[2], dim=3)  # (B, 1, H, W)
    return torch.where(hidden, token.to(picture.dtype), picture)


def _draw(
    grid: tuple[int, int], rho: float, *, strategy: Strategy, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the thermal and the RGB mask of one picture, each (G, J) bool."""
    first = _patches(grid, rho, generator)
    if strategy == 'indiv':
        return _patches(grid, rho, generator), first
    whole = torch.zeros_like(first)
    if strategy == 'rand_comp':
        case = int(torch.randint(3, (), generator=generator))
        return ((~first, whole), (whole, first), (~first, first))[case]
    return ~first, first


def _patches(grid: tuple[int, int], rho: float, generator: torch.Generator) -> torch.Tensor:
    count = grid[0] * grid[1]
    hidden = torch.zeros(count, dtype=torch.bool)
    hidden[torch.randperm(count, generator=generator)[: math.ceil(rho * count)]] = True
    return hidden.reshape(grid)
