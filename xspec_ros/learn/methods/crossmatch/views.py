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

"""The strong view: other pixels on the same grid, so that labels of the weak view still fit.

Thermal: gain, offset, gamma, blur, noise, boxes cut out. RGB: colours, and whole pictures
withheld. Every number is drawn by picture and step, on the CPU.
"""

from __future__ import annotations

from typing import NamedTuple, TYPE_CHECKING

import torch
from torch.nn import functional

from xspec_ros.learn.methods.draws import picture_generator
from xspec_ros.learn.methods.reliability import LUMA

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xspec_ros.learn.methods.crossmatch.args import ViewArgs

COVERED = 0.5  # largest share of a box that cut-outs may hide
TRIES = 4  # draws for each cut-out, until one leaves the boxes visible
SIGMA = (0.4, 1.4)  # of the blur, in pixels
TAPS = 7


class Draw(NamedTuple):
    """Random numbers of one picture.

    Attributes:
        tone: (3,) float32 gain, offset, exponent of thermal.
        sigma: () float32 of the blur, 0 for none.
        noise: (1, H, W) float32.
        hidden: (1, H, W) bool, cut out.
        colour: (7,) float32 gain, offset, exponent, three channels, saturation.
        shown: () bool: the RGB picture is not withheld.
    """

    tone: torch.Tensor
    sigma: torch.Tensor
    noise: torch.Tensor
    hidden: torch.Tensor
    colour: torch.Tensor
    shown: torch.Tensor


def draw_views(
    names: Sequence[str],
    size_hw: tuple[int, int],
    args: ViewArgs,
    *,
    seed: int,
    step: int,
    boxes: Sequence[torch.Tensor],
) -> Draw:
    """Draw the strong view of a batch.

    Args:
        names: Name of every picture.
        size_hw: H and W.
        args: Amounts.
        seed: Of the method.
        step: Step of the run.
        boxes: (N, 4) boxes of every picture that must stay visible to a half.

    Returns:
        One draw of (B, ...) tensors.
    """
    drawn = [
        _draw(picture_generator(seed, step, name), size_hw, args, of_one)
        for name, of_one in zip(names, boxes, strict=True)
    ]
    return Draw(*(torch.stack(values) for values in zip(*drawn, strict=True)))


@torch.no_grad()
def strong_thermal(thermal: torch.Tensor, draw: Draw) -> torch.Tensor:
    """Return (B, 1, H, W) float32 in [0, 1] as the students see it.

    Args:
        thermal: (B, 1, H, W) in [0, 1].
        draw: The view; what is cut out reads the mean of its picture.
    """
    with torch.autocast(thermal.device.type, enabled=False):
        x = _toned(thermal.float(), draw.tone.to(thermal.device))
        x = _blurred(x, draw.sigma.to(x.device)) + draw.noise.to(x.device)
        x = x.clamp(0.0, 1.0)
        return torch.where(draw.hidden.to(x.device), x.mean(dim=(1, 2, 3), keepdim=True), x)


@torch.no_grad()
def strong_rgb(rgb: torch.Tensor, draw: Draw) -> torch.Tensor:
    """Return (B, 3, H, W) float32 in [0, 1] in other colours.

    Args:
        rgb: (B, 3, H, W) in [0, 1].
        draw: The view.
    """
    colour = draw.colour.to(rgb.device)
    tone, balance, saturation = colour[:, :3], colour[:, 3:6], colour[:, 6:]
    weights = rgb.new_tensor(LUMA)[None, :, None, None]
    x = rgb * balance[:, :, None, None]
    grey = (x * weights).sum(dim=1, keepdim=True)
    x = grey + saturation[:, :, None, None] * (x - grey)
    return _toned(x.clamp(0.0, 1.0), tone)


def draw_cutouts(
    generator: torch.Generator, size_hw: tuple[int, int], args: ViewArgs, boxes: torch.Tensor
) -> torch.Tensor:
    """Draw boxes to cut out of a picture.

    Args:
        generator: Random numbers.
        size_hw: H and W.
        args: How many, how large.
        boxes: (N, 4) corners; no more than a half of each is covered, all cut-outs together.

    Returns:
        (H, W) bool, True where cut out. Fewer boxes where there is no room.
    """
    fewest, most = args.cutouts
    wanted = int(torch.randint(fewest, most + 1, (), generator=generator))
    draws = torch.rand(TRIES * most, 4, generator=generator)
    size = torch.tensor(size_hw)
    sides = (size * (args.side[0] + (args.side[1] - args.side[0]) * draws[:, :2])).long() + 1
    corners = ((size + 1 - sides).clamp(min=1) * draws[:, 2:]).long()
    cuts = torch.cat((corners, corners + sides), dim=1)  # (M, 4) top, left, bottom, right
    shares = _covered(boxes, cuts.float())
    hidden = torch.zeros(size_hw, dtype=torch.bool)
    covered = torch.zeros(len(boxes))
    for (top, left, bottom, right), share in zip(cuts.tolist(), shares, strict=True):
        if wanted == 0:
            break
        if bool((covered + share <= COVERED).all()):
            hidden[top:bottom, left:right] = True
            covered, wanted = covered + share, wanted - 1
    return hidden


def _draw(
    generator: torch.Generator, size_hw: tuple[int, int], args: ViewArgs, boxes: torch.Tensor
) -> Draw:
    def uniform(*size: int) -> torch.Tensor:
        return torch.rand(*size, generator=generator)

    limits = torch.tensor([args.gain, args.offset, 1.0])
    thermal, rgb = (2 * uniform(3) - 1) * limits, (2 * uniform(3) - 1) * limits
    channels = 1 + args.colour * (2 * uniform(4) - 1)
    sigma = SIGMA[0] + (SIGMA[1] - SIGMA[0]) * uniform(1)[0]
    blur, level, shown = uniform(3)
    return Draw(
        tone=_tone(thermal, args.gamma),
        sigma=torch.where(blur < args.blur, sigma, 0.0),
        noise=args.noise * level * torch.randn(1, *size_hw, generator=generator),
        hidden=draw_cutouts(generator, size_hw, args, boxes)[None],
        colour=torch.cat((_tone(rgb, args.gamma), channels)),
        shown=shown >= args.rgb_dropout,
    )


def _tone(draws: torch.Tensor, gamma: float) -> torch.Tensor:
    """Return gain, offset and exponent for draws around 0; the last in [-1, 1]."""
    gain, offset, exponent = draws
    return torch.stack((1 + gain, offset, torch.tensor(gamma) ** exponent))


def _toned(x: torch.Tensor, tone: torch.Tensor) -> torch.Tensor:
    """Return (B, C, H, W) in [0, 1] with another (B, 3) gain, offset and exponent."""
    gain, offset, exponent = tone[:, :, None, None, None].unbind(dim=1)  # each (B, 1, 1, 1)
    return ((x**exponent - 0.5) * gain + 0.5 + offset).clamp(0.0, 1.0)


def _blurred(x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
    """Return (B, 1, H, W) blurred by each picture's own (B,) sigma; 0 leaves it as it is."""
    place = torch.arange(TAPS, device=x.device) - TAPS // 2
    taps = (-0.5 * (place / sigma[:, None].clamp(min=1e-3)) ** 2).exp()  # (B, TAPS)
    taps = taps / taps.sum(dim=1, keepdim=True)
    planes = x.transpose(0, 1)  # (1, B, H, W): a picture is a group
    padded = functional.pad(planes, (TAPS // 2,) * 4, mode='replicate')
    across = functional.conv2d(padded, taps[:, None, None, :], groups=len(x))
    return functional.conv2d(across, taps[:, None, :, None], groups=len(x)).transpose(0, 1)


def _covered(boxes: torch.Tensor, cuts: torch.Tensor) -> torch.Tensor:
    """Return (M, N): the share of N boxes (left, top, ...) under M cut-outs (top, left, ...)."""
    top_left = torch.maximum(boxes[:, :2], cuts[:, None, :2].flip(2))
    bottom_right = torch.minimum(boxes[:, 2:], cuts[:, None, 2:].flip(2))  # (M, N, 2)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(dim=1).clamp(min=1e-6)
    return (bottom_right - top_left).clamp(min=0).prod(dim=2) / area
