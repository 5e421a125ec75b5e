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

"""A network with its weights to a bundle: graphs, weights, card, verification."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
import logging
from pathlib import Path
import tempfile
from typing import TYPE_CHECKING, TypeAlias

import msgspec
from safetensors.torch import save

import xspec_ros
from xspec_ros.bundle.card import model_card
from xspec_ros.bundle.manifest import (
    InputContract,
    Manifest,
    Network,
    Precision,
    Provenance,
    SCHEMA_VERSION,
    Thresholds,
    Tone,
)
from xspec_ros.bundle.store import Bundle, CARD_NAME, WEIGHTS_NAME, write_bundle
from xspec_ros.core.labels import ClassLabel, DEFAULT_CLASSES, DEFAULT_DETECTION_CLASSES
from xspec_ros.errors import ConfigError
from xspec_ros.learn.export.frames import open_sources
from xspec_ros.learn.export.graph import graph_bytes
from xspec_ros.learn.export.licences import licence_of
from xspec_ros.learn.export.quantise import int8_bytes
from xspec_ros.learn.export.untrained import random_state
from xspec_ros.learn.export.verify import verify_bundle
from xspec_ros.learn.models import build_network, graphs
from xspec_ros.learn.models.deploy import deploy
from xspec_ros.learn.train.recipe import Recipe
from xspec_ros.learn.train.validate import evaluate, preparation

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import torch
    from torch import nn

    from xspec_ros.bundle.manifest import Verified
    from xspec_ros.core.frame import Modality
    from xspec_ros.core.result import Mode
    from xspec_ros.learn.export.frames import FrameSet
    from xspec_ros.learn.train.checkpoint import Checkpoint

    Graphs: TypeAlias = Mapping[str, Mapping[Mode, bytes]]

LOGGER = logging.getLogger(__name__)

SIZE_STEP = 32
PRECISIONS = ('fp32', 'fp16', 'int8')
PLACES = ('data_root', 'cache')
"""Keys of a recipe that say where things lay, not what was trained; they stay at home."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What becomes a bundle.

    Attributes:
        name: Name of the model.
        network: Network name and arguments.
        state: The network's weights; training-only modules are not among them.
        classes: Segmentation classes.
        detection_classes: Names of the detection classes.
        camera: Camera of a network that takes one.
        network_hw: Size the network works at.
        provenance: Sources and figures.
        thresholds: Default thresholds.
        tone: Tone mapping statistics.
    """

    name: str
    network: Network
    state: dict[str, torch.Tensor]
    classes: tuple[ClassLabel, ...] = DEFAULT_CLASSES
    detection_classes: tuple[str, ...] = DEFAULT_DETECTION_CLASSES
    camera: Modality = 'thermal'
    network_hw: tuple[int, int] = (512, 640)
    provenance: Provenance = field(default_factory=Provenance)
    thresholds: Thresholds = field(default_factory=Thresholds)
    tone: Tone = field(default_factory=Tone)

    def build(self) -> nn.Module:
        """Return the network with its weights, in evaluation mode."""
        network = build_network(self.network.name, self.network.arguments)
        network.load_state_dict(self.state)
        return network.eval()

    def manifest(self, precisions: dict[str, Precision], modes: Collection[Mode]) -> Manifest:
        """Return the manifest, without its file list.

        Args:
            precisions: Variants.
            modes: Modes that each of them has a graph for.
        """
        modality = 'both' if 'fused' in modes else self.camera
        return Manifest(
            schema_version=SCHEMA_VERSION,
            name=self.name,
            tasks=('segmentation', 'detection'),
            network=self.network,
            classes=self.classes,
            detection_classes=self.detection_classes,
            input=InputContract(modality=modality, network_hw=self.network_hw, tone=self.tone),
            thresholds=self.thresholds,
            precisions=precisions,
            files={},
            provenance=self.provenance,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportReport:
    """What came of an export.

    Attributes:
        bundle: The bundle as written.
        dropped: Precisions asked for that no engine passed, and why; they are not in the bundle.
        origin: Where the frames of the verification came from.
    """

    bundle: Bundle
    dropped: Mapping[str, str]
    origin: str

    @property
    def ok(self) -> bool:
        """Whether every engine passed at fp32 and no precision had to be dropped."""
        fp32 = self.bundle.manifest.precisions['fp32'].verified
        return not self.dropped and bool(fp32) and all(seen.ok for seen in fp32.values())


def export_checkpoint(
    checkpoint: Checkpoint,
    out: str | Path,
    *,
    frames: FrameSet,
    precisions: Sequence[str] = ('fp32',),
    calibration: FrameSet | None = None,
) -> ExportReport:
    """Export a checkpoint, verify every engine present, and write the bundle.

    Args:
        checkpoint: The checkpoint.
        out: Folder of the bundle.
        frames: What to verify on.
        precisions: Of ``PRECISIONS``; fp32 is always made.
        calibration: What int8 takes its ranges from; None for ``frames``.

    Raises:
        ConfigError: An unknown precision.
        BundleError: The bundle cannot be written.
    """
    source = checkpoint_source(checkpoint)
    return export_source(
        source, out, frames=frames, precisions=precisions, calibration=calibration
    )


def export_source(
    source: Source,
    out: str | Path,
    *,
    frames: FrameSet,
    precisions: Sequence[str] = ('fp32',),
    calibration: FrameSet | None = None,
) -> ExportReport:
    """Do the work of ``export_checkpoint`` for weights from anywhere."""
    made = _graphs(source, calibration or frames, precisions)
    with tempfile.TemporaryDirectory() as folder:
        draft = _write(Path(folder) / 'draft', source, {name: {} for name in made}, made)
        seen = verify_bundle(draft, frames)
    dropped = {
        name: _why_dropped(seen[name])
        for name in made
        if name != 'fp32' and not any(verified.ok for verified in seen[name].values())
    }
    kept = {name: seen[name] for name in made if name not in dropped}
    bundle = _write(out, source, kept, made)
    return ExportReport(bundle=bundle, dropped=dropped, origin=frames.origin)


def at_size(checkpoint: Checkpoint, network_hw: tuple[int, int]) -> Checkpoint:
    """Return the checkpoint as one that works at another size, measured anew at that size.

    Args:
        checkpoint: The checkpoint.
        network_hw: Rows and columns, multiples of 32.

    Raises:
        ConfigError: Rows or columns are no positive multiples of 32.
        DataError: The recipe's validation sets are not there to measure on.
    """
    if any(side <= 0 or side % SIZE_STEP for side in network_hw):
        message = f'network size {network_hw[1]}x{network_hw[0]}'
        raise ConfigError(message, hint=f'width and height are multiples of {SIZE_STEP}')
    info = checkpoint.info
    recipe = msgspec.convert(info.recipe, Recipe)
    if recipe.input.network_hw == network_hw:
        return checkpoint
    recipe = msgspec.structs.replace(
        recipe, input=msgspec.structs.replace(recipe.input, network_hw=network_hw)
    )
    network = build_network(info.network.name, info.network.arguments)
    network.load_state_dict(checkpoint.state_dict)
    metrics = evaluate(
        network.eval(),
        open_sources(recipe, recipe.validation, info),
        preparation(recipe),
        class_names=[label.name for label in info.classes],
        detection_class_names=info.detection_classes,
    )
    values = {**info.recipe, 'input': msgspec.to_builtins(recipe.input)}
    changed = msgspec.structs.replace(info, recipe=values, metrics=metrics)
    return replace(checkpoint, info=changed)


def checkpoint_source(checkpoint: Checkpoint) -> Source:
    """Return what a checkpoint says a bundle needs."""
    info = checkpoint.info
    recipe = msgspec.convert(info.recipe, Recipe)
    tone = Tone(
        low_percentile=recipe.input.low_percentile, high_percentile=recipe.input.high_percentile
    )
    data = [{**entry, 'licence': licence_of(entry)} for entry in info.data]
    return Source(
        name=recipe.name,
        network=Network(name=info.network.name, arguments=info.network.arguments),
        state=checkpoint.state_dict,
        classes=info.classes,
        detection_classes=info.detection_classes,
        camera=recipe.input.modality,
        network_hw=recipe.input.network_hw,
        tone=tone,
        provenance=Provenance(
            recipe={key: item for key, item in info.recipe.items() if key not in PLACES},
            data=data,
            code_version=xspec_ros.__version__,
            metrics={'step': info.step, **info.metrics},
            parent=info.parent,
        ),
    )


def export_untrained(
    out: str | Path,
    *,
    seed: int = 0,
    network_hw: tuple[int, int] = (128, 160),
    name: str = 'student',
    width: float = 0.25,
) -> Bundle:
    """Write a small valid bundle with random weights: for tests, and to measure speed.

    Args:
        out: Folder of the bundle.
        seed: Seed of the weights.
        network_hw: Size the network works at.
        name: Network; ``fusion`` for one graph a mode.
        width: Width of the network; 1 is the shipped size.

    Returns:
        The bundle; its engines are not verified.
    """
    arguments: dict[str, int | float | str | bool] = {
        'num_classes': len(DEFAULT_CLASSES),
        'num_detection_classes': len(DEFAULT_DETECTION_CLASSES),
        'width': width,
    }
    source = Source(
        name='untrained',
        network=Network(name=name, arguments=arguments),
        state=random_state(name, arguments, seed),
        network_hw=network_hw,
        provenance=Provenance(code_version=xspec_ros.__version__),
    )
    made = {'fp32': _mode_graphs(source, half=False)}
    return _write(out, source, {'fp32': {}}, made)


def weights_bytes(state: dict[str, torch.Tensor]) -> bytes:
    """Return the weights as a safetensors file."""
    # cloned: one file holds no tensor twice by reference, and networks may share some
    return save({key: value.detach().cpu().clone().contiguous() for key, value in state.items()})


def _graphs(source: Source, frames: FrameSet, precisions: Sequence[str]) -> Graphs:
    unknown = sorted(set(precisions) - set(PRECISIONS))
    if unknown:
        message = f'unknown precision {", ".join(unknown)}'
        raise ConfigError(message, hint=f'known: {", ".join(PRECISIONS)}')
    LOGGER.info('exporting fp32')
    made = {'fp32': _mode_graphs(source, half=False)}
    if 'fp16' in precisions:
        LOGGER.info('exporting fp16')
        made['fp16'] = _mode_graphs(source, half=True)
    if 'int8' in precisions:
        LOGGER.info('calibrating int8 on %s', frames.origin)
        made['int8'] = {
            mode: int8_bytes(graph, frames.of_mode(mode)) for mode, graph in made['fp32'].items()
        }
    return made


def _mode_graphs(source: Source, *, half: bool) -> dict[Mode, bytes]:
    return {
        mode: graph_bytes(deploy(part, mode, source.network_hw, half=half), mode)
        for mode, part in graphs(source.build(), source.camera).items()
    }


def _graph_name(mode: Mode, precision: str) -> str:
    return f'{mode}.{precision}.onnx'


def _write(
    out: str | Path,
    source: Source,
    variants: Mapping[str, Mapping[str, Verified]],
    made: Graphs,
) -> Bundle:
    """Write the variants of what was made, each with what it was verified to."""
    precisions = {
        name: Precision(
            graphs={mode: _graph_name(mode, name) for mode in made[name]}, verified=dict(verified)
        )
        for name, verified in variants.items()
    }
    manifest = source.manifest(precisions, made['fp32'])
    files: dict[str, Path | bytes] = {
        _graph_name(mode, name): graph for name in variants for mode, graph in made[name].items()
    }
    files[WEIGHTS_NAME] = weights_bytes(source.state)
    files[CARD_NAME] = model_card(manifest).encode()
    return write_bundle(out, manifest, files)


def _why_dropped(seen: Mapping[str, Verified]) -> str:
    if not seen:
        return 'no engine here runs it'
    losses = [
        f'{engine} lost {_text(item.miou_loss)} mIoU, {_text(item.map50_loss)} mAP50'
        for engine, item in seen.items()
    ]
    return '; '.join(losses)


def _text(points: float | None) -> str:
    return '? points of' if points is None else f'{points:.2f} points of'
