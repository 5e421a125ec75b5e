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

"""Night looks of day pictures, as tensors: the same geometry, another hour.

All amounts are chosen here. The look comes from real night pictures of the same batch, of which
no more is read than the amplitude of their lowest frequencies (RGB) or five percentiles (thermal).
"""

from __future__ import annotations

from typing import cast, NamedTuple, TYPE_CHECKING

import torch
from torch.nn import functional

from xspec_ros.learn.methods.draws import picture_generator

if TYPE_CHECKING:
    from collections.abc import Sequence

GAMMA = (2.0, 3.5)
GAIN = (0.15, 0.4)
BAND = 0.01  # of the shorter side, as many frequencies either way
SHOT = (0.0, 0.004)  # variance a unit of brightness
READ = (0.0, 0.02)  # standard deviation
SIGMA = (0.0, 1.0)  # pixels
CONTRAST = (0.6, 1.1)
THERMAL_NOISE = 0.01  # standard deviation
SHARES = (0.05, 0.25, 0.5, 0.75, 0.95)
STEP = 5  # every fifth pixel either way is enough for percentiles
RADIUS = 2  # of the blur, pixels
KNOT = 1e-6  # least distance between the levels of a picture


class Draws(NamedTuple):
    """Random numbers of pictures.

    Attributes:
        uniform: (B, 6) float32 in [0, 1); the first says who lends its look.
        normal: (B, C, H, W) float32.
    """

    uniform: torch.Tensor
    normal: torch.Tensor

    def between(self, column: int, bounds: tuple[float, float]) -> torch.Tensor:
        """Return (B, 1, 1, 1) numbers between bounds."""
        low, high = bounds
        return (low + (high - low) * self.uniform[:, column])[:, None, None, None]

    def lender(self, count: int) -> torch.Tensor:
        """Return (B,) int64 below a count."""
        return (self.uniform[:, 0] * count).long()


def draw(names: Sequence[str], like: torch.Tensor, *, seed: int, step: int) -> Draws:
    """Draw what the looks of pictures need; see ``picture_generator``.

    Both halves of a pair have one name, so the same night pair lends its look to both.

    Args:
        names: Name of every picture.
        like: (B, C, H, W) pictures.
        seed: Of the method.
        step: Step of the run.
    """
    uniform, normal = torch.empty(len(like), 6), torch.empty(like.shape)
    for row, name in enumerate(names):
        generator = picture_generator(seed, step, name)
        uniform[row].uniform_(generator=generator)
        normal[row].normal_(generator=generator)
    return Draws(uniform.to(like.device), normal.to(like.device))


@torch.no_grad()
def rgb_night(picture: torch.Tensor, lenders: torch.Tensor, draws: Draws) -> torch.Tensor:
    """Darken RGB pictures as a camera at night would see them.

    Gamma, gain, the lowest frequencies' amplitude of a night picture, noise, blur.

    Args:
        picture: (B, 3, H, W) float32 in [0, 1].
        lenders: (N, 3, H, W) night pictures; none leaves their step out.
        draws: Random numbers of the pictures.

    Returns:
        (B, 3, H, W) float32 in [0, 1].
    """
    x = picture.pow(draws.between(1, GAMMA)) * draws.between(2, GAIN)
    if len(picture) and len(lenders):  # a Fourier transform takes no empty batch
        x = swap_amplitude(x, lenders[draws.lender(len(lenders))])
    x = x.clamp(0.0, 1.0)
    variance = draws.between(3, SHOT) * x + draws.between(4, READ).square()
    return blur(x + variance.sqrt() * draws.normal, draws.between(5, SIGMA)).clamp(0.0, 1.0)


@torch.no_grad()
def thermal_night(
    picture: torch.Tensor,
    levels: torch.Tensor,
    lent: torch.Tensor,
    *,
    draws: Draws,
) -> torch.Tensor:
    """Give thermal pictures the levels of night pictures, another contrast, and sensor noise.

    Args:
        picture: (B, 1, H, W) float32 in [0, 1].
        levels: (B, 5) their ``percentiles``.
        lent: (N, 5) those of night pictures, at least one.
        draws: Random numbers of the pictures.

    Returns:
        (B, 1, H, W) float32 in [0, 1].
    """
    others = lent[draws.lender(len(lent))]
    x = match_levels(picture, levels, others)
    middle = others[:, 2, None, None, None]
    x = middle + draws.between(1, CONTRAST) * (x - middle)
    return (x + THERMAL_NOISE * draws.normal).clamp(0.0, 1.0)


def swap_amplitude(picture: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Take over the lowest frequencies' amplitude of another picture, keep the phase.

    Yang and Soatto, "FDA", https://arxiv.org/abs/2004.05498, equation 3.

    Args:
        picture: (B, C, H, W) float32.
        other: (B, C, H, W) float32.

    Returns:
        (B, C, H, W) float32, not clipped.
    """
    size = picture.shape[-2:]
    reach = int(min(size) * BAND)
    low = torch.arange(-reach, reach + 1, device=picture.device)  # rows; columns are one-sided
    spectrum, theirs = torch.fft.rfft2(picture), torch.fft.rfft2(other)
    block = spectrum[:, :, low, : reach + 1]
    amplitude = theirs[:, :, low, : reach + 1].abs()
    spectrum[:, :, low, : reach + 1] = torch.polar(amplitude, block.angle())
    return cast('torch.Tensor', torch.fft.irfft2(spectrum, s=size))


def blur(picture: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
    """Blur every picture by a Gaussian of its own.

    Args:
        picture: (B, C, H, W).
        sigma: (B, 1, 1, 1) pixels, up to 1; 0 changes nothing.

    Returns:
        (B, C, H, W).
    """
    offset = torch.arange(-RADIUS, RADIUS + 1, device=picture.device)
    taps = (-0.5 * (offset / sigma.clamp(min=1e-3)).square()).exp()  # (B, 1, 1, 5)
    taps = taps / taps.sum(dim=3, keepdim=True)
    for dim in (2, 3):  # slices instead of a convolution, which autocast would round
        pad = (0, 0, RADIUS, RADIUS) if dim == 2 else (RADIUS, RADIUS, 0, 0)
        wide, length = functional.pad(picture, pad, mode='replicate'), picture.shape[dim]
        picture = torch.zeros_like(picture)
        for k in range(len(offset)):
            picture.addcmul_(taps[..., k : k + 1], wide.narrow(dim, k, length))
    return picture


@torch.no_grad()
def percentiles(picture: torch.Tensor, inside: torch.Tensor) -> torch.Tensor:
    """Return the 5, 25, 50, 75 and 95 % levels of pictures.

    Args:
        picture: (B, 1, H, W) float32, B at least 1.
        inside: (B, H, W) bool: the pixel lies in the picture.

    Returns:
        (B, 5) float32, ascending; the shares themselves where nothing lies inside.
    """
    outside = ~inside[:, ::STEP, ::STEP]
    coarse = picture[:, 0, ::STEP, ::STEP].masked_fill(outside, torch.nan).flatten(1)
    shares = picture.new_tensor(SHARES)
    levels = coarse.nanquantile(shares, dim=1).T  # (B, 5)
    return torch.where(levels.isnan(), shares, levels)


def match_levels(
    picture: torch.Tensor, levels: torch.Tensor, others: torch.Tensor
) -> torch.Tensor:
    """Map levels to levels, 0 to 0 and 1 to 1, linearly in between.

    Args:
        picture: (B, 1, H, W) in [0, 1].
        levels: (B, 5) ascending.
        others: (B, 5) ascending: what they become.

    Returns:
        (B, 1, H, W) in [0, 1]; order of brightness stays.
    """
    source = functional.pad(functional.pad(levels, (1, 0)), (0, 1), value=1.0)  # (B, 7)
    target = functional.pad(functional.pad(others, (1, 0)), (0, 1), value=1.0)
    run, rise = source.diff(dim=1).clamp(min=KNOT), target.diff(dim=1)  # (B, 6)
    out = torch.zeros_like(picture)
    for k in range(run.shape[1]):
        start, width, height = (each[:, k, None, None, None] for each in (source, run, rise))
        out += height * ((picture - start) / width).clamp(0.0, 1.0)
    return out
