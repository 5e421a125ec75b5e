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

"""Networks of earlier runs: teachers, and what a stage begins from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast, TYPE_CHECKING

from safetensors import SafetensorError
from safetensors.torch import load_file

from xspec_ros.bundle.store import open_bundle, WEIGHTS_NAME
from xspec_ros.config import convert
from xspec_ros.errors import BundleError, ConfigError, DataError
from xspec_ros.learn.methods.method import Start
from xspec_ros.learn.models import build_network, graphs
from xspec_ros.learn.train.checkpoint import (
    CHAIN_NAME,
    find_in_run,
    load_checkpoint,
    load_state,
    load_weights,
    STATE_NAME,
)
from xspec_ros.learn.train.lineage import Lineage, lineage_of_bundle
from xspec_ros.learn.train.recipe import InputSpec
from xspec_ros.learn.train.validate import Preparation

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch
    from torch import nn

    from xspec_ros.bundle.store import Bundle
    from xspec_ros.core.frame import Modality
    from xspec_ros.core.result import Mode
    from xspec_ros.learn.train.recipe import Recipe

OF_A_RUN = ('last', 'best')  # which step validates best is no business of unlabelled recipes


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedNetwork:
    """A trained network.

    Attributes:
        network: In evaluation mode, without gradients.
        weights: Its weights by name.
        modality: Which picture it takes.
        network_hw: Size it was trained for.
        percentiles: Of its tone mapping.
        method: Method that trained it; empty where unknown.
        state: State of that method at the end; empty where it is not kept.
        class_names: Segmentation classes.
        detection_class_names: Detection classes.
        lineage: What it was trained on, and the bundle that it is or that its run began from.
    """

    network: nn.Module
    weights: Mapping[str, torch.Tensor]
    modality: Modality
    network_hw: tuple[int, int]
    percentiles: tuple[float, float]
    method: str
    state: Mapping[str, torch.Tensor]
    class_names: tuple[str, ...]
    detection_class_names: tuple[str, ...]
    lineage: Lineage = Lineage()  # noqa: RUF009 - frozen

    @property
    def mode(self) -> Mode:
        """The graph that sees most."""
        modes = graphs(self.network, self.modality)
        return 'fused' if 'fused' in modes else self.modality

    def preparation(self, mode: Mode) -> Preparation:
        """Return how pictures are fed to one of its graphs."""
        return Preparation(mode=mode, network_hw=self.network_hw, percentiles=self.percentiles)

    def start(self) -> Start:
        """Return what another method may begin from."""
        return Start(
            method=self.method, modality=self.modality, network=self.weights, state=self.state
        )


def open_network(reference: str, stages: Mapping[str, Path]) -> OpenedNetwork:
    """Open an earlier stage, a run folder, a checkpoint or a bundle.

    Of a run the last step is taken: which step validates best is no business of a recipe that
    has no labels.

    Args:
        reference: Name of a stage, or a path.
        stages: Run folders of the earlier stages.

    Raises:
        DataError: There is nothing of that name, or it cannot be read.
    """
    folder = stages.get(reference, Path(reference))
    if not _is_run(folder):
        try:
            return open_model(reference)
        except BundleError as err:
            message = f'no earlier stage, run or model {reference!r}: {err}'
            raise DataError(
                message, hint=f'earlier stages: {", ".join(stages) or "none"}'
            ) from err
    checkpoint = load_checkpoint(folder, prefer=OF_A_RUN)
    info = checkpoint.info
    spec = convert(info.recipe.get('input', {}), InputSpec, f'the recipe in {checkpoint.folder}')
    resumable = (checkpoint.folder / STATE_NAME).is_file()
    state = load_state(checkpoint.folder).below('method') if resumable else {}
    return OpenedNetwork(
        network=checkpoint.network.requires_grad_(requires_grad=False),
        weights=checkpoint.state_dict,
        modality=spec.modality,
        network_hw=spec.network_hw,
        percentiles=(spec.low_percentile, spec.high_percentile),
        method=str(cast('dict[str, object]', info.recipe.get('method', {})).get('name', '')),
        state=state,
        class_names=tuple(label.name for label in info.classes),
        detection_class_names=info.detection_classes,
        lineage=Lineage(parent=info.parent, data=info.data),
    )


def check_classes(opened: OpenedNetwork, recipe: Recipe, what: str) -> None:
    """Refuse a network whose classes are not the recipe's.

    Args:
        opened: The network.
        recipe: The recipe.
        what: What it is to be, for the message.

    Raises:
        ConfigError: The class lists differ.
    """
    wanted = tuple(label.name for label in recipe.labels())
    if (opened.class_names, opened.detection_class_names) == (wanted, recipe.detection_classes):
        return
    message = f'the {what} knows {", ".join(opened.class_names)}; {recipe.name} wants others'
    raise ConfigError(message, hint='take the same classes and detection_classes in both recipes')


def _is_run(folder: Path) -> bool:
    return (folder / CHAIN_NAME).is_file() or find_in_run(folder, OF_A_RUN) is not None


def open_model(reference: str) -> OpenedNetwork:
    """Open the network of a bundle.

    Args:
        reference: A bundle folder or a shipped name.

    Raises:
        BundleError: There is none.
        DataError: Its weights cannot be read.
    """
    bundle = open_bundle(reference)
    manifest = bundle.manifest
    network = build_network(manifest.network.name, manifest.network.arguments)
    weights = weights_of(bundle)
    load_weights(network, weights, bundle.path)
    return OpenedNetwork(
        network=network.eval().requires_grad_(requires_grad=False),
        weights=weights,
        modality=cast('Modality', manifest.input.modality),
        network_hw=manifest.input.network_hw,
        percentiles=(manifest.input.tone.low_percentile, manifest.input.tone.high_percentile),
        method='',
        state={},
        class_names=tuple(label.name for label in manifest.classes),
        detection_class_names=manifest.detection_classes,
        lineage=lineage_of_bundle(bundle),
    )


def weights_of(bundle: Bundle) -> dict[str, torch.Tensor]:
    """Read the weights of a bundle.

    Raises:
        DataError: They cannot be read.
    """
    return read_weights(Path(bundle.path) / WEIGHTS_NAME)


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """Read a safetensors file.

    Raises:
        DataError: It cannot be read.
    """
    try:
        return load_file(path)
    except (OSError, SafetensorError) as err:
        message = f'cannot read weights from {path}: {err}'
        raise DataError(message, hint='give a safetensors file') from err
