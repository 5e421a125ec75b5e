"""A network with its weights to a bundle: graphs, weights, card, verification."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast, TYPE_CHECKING

from safetensors.torch import save
import torch
from torch import nn

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
)
from xspec_ros.bundle.store import Bundle, CARD_NAME, WEIGHTS_NAME, write_bundle
from xspec_ros.core.labels import ClassLabel, DEFAULT_CLASSES, DEFAULT_DETECTION_CLASSES
from xspec_ros.learn.export.graph import DeployGraph, graph_bytes
from xspec_ros.learn.models import build_network

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What becomes a bundle.

    Attributes:
        name: Name of the model.
        network: Network name and arguments.
        state: The network's weights; training-only modules are not among them.
        classes: Segmentation classes.
        detection_classes: Names of the detection classes.
        network_hw: Size the network works at.
        provenance: Sources and figures.
        thresholds: Default thresholds.
    """

    name: str
    network: Network
    state: dict[str, torch.Tensor]
    classes: tuple[ClassLabel, ...] = DEFAULT_CLASSES
    detection_classes: tuple[str, ...] = DEFAULT_DETECTION_CLASSES
    network_hw: tuple[int, int] = (512, 640)
    provenance: Provenance = field(default_factory=Provenance)
    thresholds: Thresholds = field(default_factory=Thresholds)

    def build(self) -> nn.Module:
        """Return the network with its weights, in evaluation mode."""
        network = build_network(self.network.name, self.network.arguments)
        network.load_state_dict(self.state)
        return network.eval()

    def manifest(self, precisions: dict[str, Precision]) -> Manifest:
        """Return the manifest, without its file list."""
        return Manifest(
            schema_version=SCHEMA_VERSION,
            name=self.name,
            tasks=('segmentation', 'detection'),
            network=self.network,
            classes=self.classes,
            detection_classes=self.detection_classes,
            input=InputContract(network_hw=self.network_hw),
            thresholds=self.thresholds,
            precisions=precisions,
            files={},
            provenance=self.provenance,
        )


def export_untrained(
    out: str | Path, *, seed: int = 0, network_hw: tuple[int, int] = (128, 160)
) -> Bundle:
    """Write a small valid bundle with random weights: for tests, and to measure speed.

    Args:
        out: Folder of the bundle.
        seed: Seed of the weights.
        network_hw: Size the network works at.

    Returns:
        The bundle; its engines are not verified.
    """
    arguments: dict[str, int | float | str | bool] = {
        'num_classes': len(DEFAULT_CLASSES),
        'num_detection_classes': len(DEFAULT_DETECTION_CLASSES),
        'width': 0.25,
    }
    source = Source(
        name='untrained',
        network=Network(name='student', arguments=arguments),
        state=random_state('student', arguments, seed),
        network_hw=network_hw,
        provenance=Provenance(code_version=xspec_ros.__version__),
    )
    graph = graph_bytes(DeployGraph(source.build(), network_hw))
    manifest = source.manifest({'fp32': Precision(graphs={'thermal': 'thermal.fp32.onnx'})})
    files: dict[str, Path | bytes] = {
        'thermal.fp32.onnx': graph,
        WEIGHTS_NAME: weights_bytes(source.state),
        CARD_NAME: model_card(manifest).encode(),
    }
    return write_bundle(out, manifest, files)


def random_state(
    name: str, arguments: dict[str, int | float | str | bool], seed: int
) -> dict[str, torch.Tensor]:
    """Return random weights whose answers vary over the picture, boxes included.

    A network as it starts its training says 0.0001 for every box. Norms that have seen one batch
    of noise and wider output layers give tests boxes of any score.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = build_network(name, arguments)
        for key, layer in network.named_modules():
            if isinstance(layer, nn.Conv2d) and '_out' in key:
                nn.init.normal_(layer.weight, std=0.3)
                nn.init.zeros_(cast('torch.Tensor', layer.bias))
            if isinstance(layer, nn.BatchNorm2d):
                layer.momentum = None
        noise = torch.rand(4, int(arguments.get('in_channels', 1)), 4, 6)
        with torch.no_grad():
            network.train()(nn.functional.interpolate(noise, size=(128, 192), mode='bilinear'))
    return network.state_dict()


def weights_bytes(state: dict[str, torch.Tensor]) -> bytes:
    """Return the weights as a safetensors file."""
    return save({key: value.detach().cpu().contiguous() for key, value in state.items()})
