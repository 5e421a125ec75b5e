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

"""Two encoders and one head that answers for thermal alone, RGB alone and both together.

After Shin et al., "Complementary Random Masking for RGB-Thermal Semantic Segmentation"
(https://arxiv.org/abs/2303.17386): features are fused by their elementwise maximum at every
level, and one head serves the three paths. The head's convolutions are shared; every path has
norms of its own, since a maximum is distributed otherwise than either of its sides.
"""

from __future__ import annotations

from typing import cast, TYPE_CHECKING

import torch
from torch import nn

from xspec_ros.errors import ConfigError
from xspec_ros.learn.models.norms import tie_convolutions
from xspec_ros.learn.models.student import Student

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xspec_ros.learn.models.student import StudentOutput


class FusionNetwork(nn.Module):
    """Students for thermal, RGB and both; see the module's page for what they share.

    Args:
        num_classes: Segmentation classes K.
        num_detection_classes: Detection classes C.
        width: Multiplies every width of the light network.
        encoder: Backbone of both cameras.
        fusion: How features meet: ``max`` or ``add``.
        in_channels: Ignored; both cameras' channels are known.

    Raises:
        ConfigError: Unknown fusion.
    """

    def __init__(
        self,
        num_classes: int,
        num_detection_classes: int,
        *,
        width: float = 1.0,
        encoder: str = 'light',
        fusion: str = 'max',
        in_channels: int = 1,  # noqa: ARG002 - every network is built with it
    ) -> None:
        super().__init__()
        if fusion not in {'max', 'add'}:
            message = f'unknown fusion {fusion!r}'
            raise ConfigError(message, hint='known: add, max')
        self.fusion = fusion
        self.thermal, self.rgb, self.fused = (
            Student(
                num_classes,
                num_detection_classes,
                width=width,
                in_channels=channels,
                encoder=encoder,
                level_norms=True,
            )
            for channels in (1, 3, 1)
        )
        self.fused.backbone = nn.Identity()
        self.feature_table = self.thermal.feature_table
        for path in (self.rgb, self.fused):
            for part in ('pyramid', 'detection', 'segmentation'):
                tie_convolutions(getattr(self.thermal, part), getattr(path, part))

    def fuse(
        self, thermal: Sequence[torch.Tensor], rgb: Sequence[torch.Tensor]
    ) -> list[torch.Tensor]:
        """Return C2..C5 of both cameras together, each (B, C, h, w) as its sides."""
        join = torch.maximum if self.fusion == 'max' else torch.add
        return [join(a, b) for a, b in zip(thermal, rgb, strict=True)]

    def forward(
        self, thermal: torch.Tensor | None = None, rgb: torch.Tensor | None = None
    ) -> StudentOutput:
        """Answer from what there is.

        Args:
            thermal: (B, 1, H, W) in [0, 1], or None.
            rgb: (B, 3, H, W) in [0, 1] on the same grid, or None.

        Returns:
            The fused path's answer for both, else the answer of the one camera's path.
        """
        if thermal is not None and rgb is not None:
            return self.fused.answer(
                self.fuse(self.thermal.backbone(thermal), self.rgb.backbone(rgb))
            )
        path, image = (self.rgb, rgb) if thermal is None else (self.thermal, thermal)
        return cast('StudentOutput', path(image))
