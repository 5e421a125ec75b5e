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

"""Backbones by name: from a picture to the features C2..C5 at strides 4, 8, 16, 32.

All but ``light`` are built from the configurations of ``transformers`` (Apache-2.0), with random
weights; none are shipped or fetched.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import torch
from torch import nn

from xspec_ros.errors import ConfigError
from xspec_ros.learn.models.blocks import (
    conv_bn,
    FusedResidual,
    init_weights,
    InvertedResidual,
    scaled,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# channels, blocks, expansion of C2 (stride 4), C3 (8), C4 (16, in two widths), C5 (32)
STAGES: tuple[tuple[tuple[int, int, int], ...], ...] = (
    ((24, 2, 2),),
    ((40, 3, 4),),
    ((64, 3, 4), (96, 3, 4)),
    ((160, 3, 5),),
)
STEM = 16

# He et al., https://arxiv.org/abs/1512.03385, table 1 (stride in the 3x3 layer); Xie et al.,
# SegFormer, https://arxiv.org/abs/2105.15203, table 6; Liu et al., Swin,
# https://arxiv.org/abs/2103.14030, section 3.3; Liu et al., ConvNeXt,
# https://arxiv.org/abs/2201.03545, section 3.
MIT_WIDTHS = [64, 128, 320, 512]
LIBRARY: dict[str, tuple[str, dict[str, object]]] = {
    'resnet50': ('resnet', {}),
    'mit_b0': ('segformer', {'hidden_sizes': [32, 64, 160, 256], 'depths': [2, 2, 2, 2]}),
    'mit_b1': ('segformer', {'hidden_sizes': MIT_WIDTHS, 'depths': [2, 2, 2, 2]}),
    'mit_b2': ('segformer', {'hidden_sizes': MIT_WIDTHS, 'depths': [3, 4, 6, 3]}),
    'mit_b3': ('segformer', {'hidden_sizes': MIT_WIDTHS, 'depths': [3, 4, 18, 3]}),
    'swin_t': ('swin', {'embed_dim': 96, 'depths': [2, 2, 6, 2], 'num_heads': [3, 6, 12, 24]}),
    'swin_s': ('swin', {'embed_dim': 96, 'depths': [2, 2, 18, 2], 'num_heads': [3, 6, 12, 24]}),
    'swin_b': ('swin', {'embed_dim': 128, 'depths': [2, 2, 18, 2], 'num_heads': [4, 8, 16, 32]}),
    'convnext_t': (
        'convnext',
        {'hidden_sizes': [96, 192, 384, 768], 'depths': [3, 3, 9, 3]},
    ),
}
FAMILIES = {
    'convnext': 'ConvNext',
    'resnet': 'ResNet',
    'segformer': 'Segformer',
    'swin': 'Swin',
}
LEVELS = ['stage1', 'stage2', 'stage3', 'stage4']
ENCODERS = ('light', *LIBRARY)
INSIDE = 'backbone.model.'  # where a network keeps what the library built


class Backbone(nn.Module):
    """The light backbone, in the manner of MobileNetV2.

    Args:
        in_channels: 1 for thermal, 3 for RGB.
        width: Multiplies every width.
    """

    def __init__(self, in_channels: int, width: float) -> None:
        super().__init__()
        channels = scaled(STEM, width)
        self.stem = conv_bn(in_channels, channels, 3, stride=2)
        self.widths: list[int] = []
        self.stages = nn.ModuleList()
        for groups in STAGES:
            block = InvertedResidual if self.stages else FusedResidual
            blocks: list[nn.Module] = []
            for base, count, expand in groups:
                out = scaled(base, width)
                for _ in range(count):
                    stride = 1 if blocks else 2
                    blocks.append(block(channels, out, stride=stride, expand=expand))
                    channels = out
            self.stages.append(nn.Sequential(*blocks))
            self.widths.append(channels)
        init_weights(self)

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Map (B, in, H, W) to C2..C5."""
        x = self.stem(x)
        levels = []
        for stage in self.stages:
            x = stage(x)
            levels.append(x)
        return levels


class LibraryBackbone(nn.Module):
    """A backbone of ``transformers``, built from its configuration with random weights.

    Args:
        name: Name in ``LIBRARY``.
        in_channels: 1 for thermal, 3 for RGB.
    """

    def __init__(self, name: str, in_channels: int) -> None:
        super().__init__()
        family, settings = LIBRARY[name]
        self.model, self.widths = _library_model(family, {'num_channels': in_channels, **settings})
        self._all_states = family == 'segformer'  # it has no backbone class of its own

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Map (B, in, H, W) to C2..C5; H and W multiples of 32."""
        if self._all_states:
            return list(self.model(x, output_hidden_states=True).hidden_states)
        return list(self.model(x).feature_maps)


def _library_model(family: str, settings: dict[str, object]) -> tuple[nn.Module, list[int]]:
    library = import_module(f'transformers.models.{family}')  # seconds to import
    config_type = getattr(library, f'{FAMILIES[family]}Config')
    if family == 'swin':  # its fused attention does not go through ONNX export
        settings = {**settings, 'attn_implementation': 'eager'}
    if family == 'segformer':
        config = config_type(**settings)
        return library.SegformerModel(config), list(config.hidden_sizes)
    model = getattr(library, f'{FAMILIES[family]}Backbone')(
        config_type(**settings, out_features=LEVELS)
    )
    if family == 'swin' and hasattr(model, 'swin'):
        model.swin.layernorm = nn.Identity()  # for classifiers; C5 has a norm of its own
    return model, list(model.channels)


def build_encoder(name: str, in_channels: int, *, width: float = 1.0) -> nn.Module:
    """Build a backbone with random weights.

    Args:
        name: ``light``, ``resnet50``, ``mit_b0`` to ``mit_b3``, ``swin_t``, ``swin_s``,
            ``swin_b`` or ``convnext_t``.
        in_channels: 1 for thermal, 3 for RGB.
        width: Multiplies every width of the light backbone; the others have one size.

    Returns:
        A module that maps (B, in, H, W) to C2..C5 and says their channels in ``widths``.

    Raises:
        ConfigError: The name is unknown, or its library is not installed.
    """
    if name == 'light':
        return Backbone(in_channels, width)
    if name not in LIBRARY:
        message = f'unknown encoder {name!r}'
        raise ConfigError(message, hint=f'known: {", ".join(ENCODERS)}')
    try:
        return LibraryBackbone(name, in_channels)
    except ImportError as err:
        message = f'encoder {name} cannot be built: {err}'
        raise ConfigError(message, hint="pip install 'xspec_ros[train]'") from err


def by_own_names(
    weights: Mapping[str, torch.Tensor], own_names: Iterable[str]
) -> dict[str, torch.Tensor]:
    """Find the weights of backbones in a file of ``transformers``, under a network's own names.

    A published file says ``swin.encoder.layers.0...`` or, of a bare model,
    ``encoder.layers.0...``; the network ``backbone.model.swin.encoder.layers.0...``. Every
    backbone of the network gets them.

    Args:
        weights: What the file holds.
        own_names: Names of the network's ``state_dict``.

    Returns:
        The weights as they came and, where a backbone has such a name, also under that.
    """
    bare = {
        name.partition('.')[2] if name.partition('.')[0] in FAMILIES else name: tensor
        for name, tensor in weights.items()
    }
    found = dict(weights)
    for own in own_names:
        head, separator, tail = own.rpartition(INSIDE)
        first, _, rest = tail.partition('.')
        key = rest if first in FAMILIES else tail
        if separator and key in bare and (not head or head.endswith('.')):
            found.setdefault(own, bare[key])
    return found
