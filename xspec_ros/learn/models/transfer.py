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

"""Weights from one network to another whose names fit, across cameras."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xspec_ros.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch
    from torch import nn


def take_weights(network: nn.Module, weights: Mapping[str, torch.Tensor]) -> list[str]:
    """Load every weight whose name and shape fit, in place.

    A first convolution changes camera: three input channels become one by their sum, which
    answers thermal as if it were fed as a grey RGB picture; one becomes three by a third each.

    Args:
        network: Takes the weights.
        weights: Weights by name.

    Returns:
        Names that keep their initial values.

    Raises:
        DataError: Nothing fits.
    """
    own = network.state_dict()
    taken = {
        name: fitted
        for name, value in weights.items()
        if name in own and (fitted := _fitted(value, own[name])) is not None
    }
    if not taken:
        message = f'none of {len(weights)} weights fits the network'
        raise DataError(message, hint='names and shapes must be those of the network')
    network.load_state_dict(own | taken)
    return sorted(set(own) - set(taken))


def _fitted(value: torch.Tensor, like: torch.Tensor) -> torch.Tensor | None:
    """Return the value in the shape of ``like``, or None when it cannot be."""
    if value.shape == like.shape:
        return value
    if value.ndim != 4 or like.ndim != 4 or value.shape[0] != like.shape[0]:
        return None
    channels = (value.shape[1], like.shape[1])
    if value.shape[2:] != like.shape[2:] or channels not in {(3, 1), (1, 3)}:
        return None
    return value.sum(dim=1, keepdim=True) if channels == (3, 1) else value.expand_as(like) / 3.0
