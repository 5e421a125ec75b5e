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

"""The averaged weights: what is validated, saved as the model and deployed."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from xspec_ros.learn.models.average import move_average

if TYPE_CHECKING:
    from torch import nn


class WeightAverage:
    """An exponential moving average of a network's weights; its buffers are copied.

    Args:
        network: The network that is trained.
    """

    def __init__(self, network: nn.Module) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(requires_grad=False)

    def update(self, network: nn.Module, decay: float) -> None:
        """Move towards ``network``: average = decay * average + (1 - decay) * weight."""
        move_average(self.network, network, decay)
