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

"""Checkpoints: a folder of safetensors and JSON that is whole or not there at all."""

from __future__ import annotations

from dataclasses import dataclass, field
import os
from pathlib import Path
import shutil
from typing import TYPE_CHECKING

import msgspec
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from xspec_ros.core.labels import ClassLabel
from xspec_ros.errors import DataError
from xspec_ros.learn.models import build_network
from xspec_ros.learn.train.recipe import NetworkSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch
    from torch import nn

INFO_NAME = 'checkpoint.json'
WEIGHTS_NAME = 'weights.safetensors'
STATE_NAME = 'state.safetensors'
STATE_INFO_NAME = 'state.json'
CHAIN_NAME = 'chain.json'
FORMAT = 1


class CheckpointInfo(msgspec.Struct, frozen=True, kw_only=True):
    """``checkpoint.json``.

    Attributes:
        network: Name and arguments that rebuild the network.
        classes: Segmentation classes in id order.
        detection_classes: Detection classes in id order.
        recipe: The resolved recipe, as plain values.
        step: Optimiser steps done.
        metrics: Validation figures of these weights.
        data: One entry a source: name, fold, pictures, fingerprint; those of a parent or a
            teacher too.
        parent: Name and hash of the bundle whose weights the run began from, or null.
        format: Version of this layout.
    """

    network: NetworkSpec
    classes: tuple[ClassLabel, ...]
    detection_classes: tuple[str, ...]
    recipe: dict[str, object]
    step: int
    metrics: dict[str, object]
    data: list[dict[str, object]]
    parent: dict[str, str] | None = None
    format: int = FORMAT


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A loaded checkpoint.

    Attributes:
        folder: Where it lies.
        network: The network with its averaged weights, in eval mode.
        state_dict: Those weights.
        info: What the checkpoint says of itself.
    """

    folder: Path
    network: nn.Module
    state_dict: dict[str, torch.Tensor]
    info: CheckpointInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeState:
    """What exact resume needs beside the weights.

    Attributes:
        tensors: Method, optimiser and random states by dotted name.
        step: Optimiser steps done.
        best: Best validation figure so far, or None.
        best_step: Step it was reached at.
        metrics: Latest validation figures.
    """

    tensors: dict[str, torch.Tensor]
    step: int
    best: float | None
    best_step: int | None
    metrics: dict[str, object] = field(default_factory=dict)

    def below(self, prefix: str) -> dict[str, torch.Tensor]:
        """Return the tensors whose names start with ``prefix.``, without it."""
        start = prefix + '.'
        return {k.removeprefix(start): v for k, v in self.tensors.items() if k.startswith(start)}


class ChainInfo(msgspec.Struct, frozen=True, kw_only=True):
    """``chain.json`` of a run of several stages.

    Attributes:
        stages: Names of the stages and of their run folders, in order.
    """

    stages: tuple[str, ...]


class _StateInfo(msgspec.Struct, frozen=True, kw_only=True):
    step: int
    best: float | None
    best_step: int | None
    metrics: dict[str, object] = {}


def save_checkpoint(
    folder: Path,
    weights: Mapping[str, torch.Tensor],
    info: CheckpointInfo,
    state: ResumeState | None = None,
) -> None:
    """Write a checkpoint beside the old one, then put it in its place.

    A full disk, a kill or a power cut at any moment leaves either the old or the new one to be
    found.

    Args:
        folder: Where it is to lie.
        weights: Deployable weights.
        info: What it says of itself.
        state: What resume needs; None for a checkpoint that is only to be deployed.

    Raises:
        DataError: It cannot be written.
    """
    fresh, old = _fresh(folder), _old(folder)
    try:
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        save_file(_own(weights), fresh / WEIGHTS_NAME)
        if state is not None:
            save_file(_own(state.tensors), fresh / STATE_NAME)
            rest = _StateInfo(
                step=state.step,
                best=state.best,
                best_step=state.best_step,
                metrics=state.metrics,
            )
            (fresh / STATE_INFO_NAME).write_bytes(msgspec.json.encode(rest))
        (fresh / INFO_NAME).write_bytes(msgspec.json.format(msgspec.json.encode(info)))
        _reach_disk(fresh)
        if folder.exists():
            shutil.rmtree(old, ignore_errors=True)
            folder.rename(old)
        fresh.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    except (OSError, SafetensorError) as err:
        shutil.rmtree(fresh, ignore_errors=True)
        message = f'cannot write checkpoint {folder}: {err}'
        raise DataError(message, hint='free space; the last good checkpoint is kept') from err


def find_checkpoint(folder: Path) -> Path | None:
    """Return the folder that holds a whole checkpoint: this one, or its predecessor.

    Args:
        folder: Where the checkpoint should lie.
    """
    for candidate in (folder, _old(folder)):
        if (candidate / INFO_NAME).is_file():
            return candidate
    return None


def read_info(folder: Path) -> CheckpointInfo:
    """Read what a checkpoint says of itself.

    Raises:
        DataError: It cannot be read.
    """
    try:
        return msgspec.json.decode((folder / INFO_NAME).read_bytes(), type=CheckpointInfo)
    except (OSError, msgspec.DecodeError) as err:
        message = f'cannot read checkpoint {folder}: {err}'
        raise DataError(message, hint='train again or take another checkpoint') from err


def last_stage(folder: Path) -> Path:
    """Return the run folder of a chain's last stage; of any other folder the folder itself.

    Raises:
        DataError: The list of stages cannot be read.
    """
    chain = folder / CHAIN_NAME
    if not chain.is_file():
        return folder
    try:
        stages = msgspec.json.decode(chain.read_bytes(), type=ChainInfo).stages
    except (OSError, msgspec.DecodeError) as err:
        message = f'cannot read {chain}: {err}'
        raise DataError(message, hint='give the folder of a stage') from err
    return folder / Path(stages[-1]).name


def find_in_run(folder: Path, prefer: tuple[str, ...]) -> Path | None:
    """Return the checkpoint that a folder is or holds; of a chain, its last stage's.

    Args:
        folder: A checkpoint or a run folder.
        prefer: Which checkpoint of a run folder to take, in this order.

    Raises:
        DataError: The list of stages cannot be read.
    """
    root = last_stage(folder)
    places = (root, *(root / name for name in prefer))
    return next((found for place in places if (found := find_checkpoint(place))), None)


def load_checkpoint(
    folder: str | Path, *, prefer: tuple[str, ...] = ('best', 'last')
) -> Checkpoint:
    """Load a checkpoint, or one of a run folder's; of a chain, its last stage's.

    Args:
        folder: A checkpoint or a run folder.
        prefer: Which checkpoint of a run folder to take, in this order.

    Raises:
        DataError: There is none, or it cannot be read.
    """
    found = find_in_run(Path(folder), prefer)
    if found is None:
        message = f'no checkpoint in {last_stage(Path(folder))}'
        raise DataError(message, hint='give the folder that xspec train wrote')
    info = read_info(found)
    try:
        state_dict = load_file(found / WEIGHTS_NAME)
    except (OSError, SafetensorError) as err:
        message = f'cannot read checkpoint {found}: {err}'
        raise DataError(message, hint='train again or take another checkpoint') from err
    network = build_network(info.network.name, info.network.arguments)
    load_weights(network, state_dict, found)
    return Checkpoint(folder=found, network=network.eval(), state_dict=state_dict, info=info)


def load_weights(network: nn.Module, weights: Mapping[str, torch.Tensor], where: Path) -> None:
    """Load weights that fit exactly.

    Raises:
        DataError: Names or shapes do not fit.
    """
    try:
        network.load_state_dict(dict(weights))
    except RuntimeError as err:
        message = f'weights in {where} do not fit the network: {str(err)[:300]}'
        raise DataError(message, hint='take weights of the same network') from err


def load_state(folder: Path) -> ResumeState:
    """Load what resume needs.

    Raises:
        DataError: There is nothing to resume from, or it cannot be read.
    """
    found = find_checkpoint(folder)
    if found is None or not (found / STATE_NAME).is_file():
        message = f'nothing to resume from at {folder}'
        raise DataError(message, hint='leave out --resume to start a new run')
    try:
        tensors = load_file(found / STATE_NAME)
        rest = msgspec.json.decode((found / STATE_INFO_NAME).read_bytes(), type=_StateInfo)
    except (OSError, SafetensorError, msgspec.DecodeError) as err:
        message = f'cannot read the state in {found}: {err}'
        raise DataError(message, hint='start a new run') from err
    return ResumeState(
        tensors=tensors,
        step=rest.step,
        best=rest.best,
        best_step=rest.best_step,
        metrics=rest.metrics,
    )


def _own(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return copies: names that share one tensor are written once each."""
    return {name: t.detach().clone().contiguous() for name, t in tensors.items()}


def _reach_disk(folder: Path) -> None:
    """Wait until the files are on the disk: a rename may outrun them when power fails."""
    for path in (*folder.iterdir(), folder):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _fresh(folder: Path) -> Path:
    return folder.with_name(folder.name + '.new')


def _old(folder: Path) -> Path:
    return folder.with_name(folder.name + '.old')
