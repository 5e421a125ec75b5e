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

"""The recipe: everything a training run depends on, in one typed struct."""

from __future__ import annotations

from typing import Annotated, Literal, TYPE_CHECKING, TypeAlias

import msgspec

from xspec_ros.core.frame import Modality
from xspec_ros.core.labels import (
    check_class_names,
    ClassLabel,
    DEFAULT_CLASSES,
    DEFAULT_DETECTION_CLASSES,
)
from xspec_ros.errors import ConfigError
from xspec_ros.learn.data.augment import PhotoArgs
from xspec_ros.learn.data.geometry import CropArgs
from xspec_ros.learn.data.sources import Source

if TYPE_CHECKING:
    from pathlib import Path

Positive = Annotated[int, msgspec.Meta(ge=1)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Precision: TypeAlias = Literal['auto', '32-true', 'bf16-mixed']
NETWORK_STRIDE = 32


class NetworkSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which network is trained.

    Attributes:
        name: Name in ``learn.models``.
        arguments: Constructor arguments beyond the class counts and input channels.
    """

    name: str = 'student'
    arguments: dict[str, int | float | str | bool] = {}


class MethodSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How it is trained.

    Attributes:
        name: Name in ``learn.methods``.
        arguments: Arguments of the method; its own struct checks them.
    """

    name: str = 'supervised'
    arguments: dict[str, object] = {}


class InputSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the deployed network takes.

    Attributes:
        modality: Picture that the network takes: ``thermal`` or ``rgb``.
        network_hw: Rows and columns that pictures are resized to, multiples of 32.
        low_percentile: Percentile that the tone mapping takes to 0.
        high_percentile: Percentile that it takes to 1.
    """

    modality: Modality = 'thermal'
    network_hw: tuple[int, int] = (512, 640)
    low_percentile: float = 1.0
    high_percentile: float = 99.0


class TeacherSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A frozen network that labels pictures, or that a method learns from.

    Attributes:
        model: Name of an earlier stage, a run folder, a checkpoint or a bundle.
        confidence: Pseudo-labels below this probability become unlabelled.
        box_score: Pseudo-boxes below this score are left out.
        box_ignore: Pseudo-boxes from this score up to ``box_score`` become regions to ignore;
            null: there are none.
        erode_px: Pseudo-labels this near to another label become unlabelled: for pairs that are
            not registered to the pixel.
    """

    model: str
    confidence: Share = 0.5
    box_score: Share = 0.4
    box_ignore: Share | None = None
    erode_px: Annotated[int, msgspec.Meta(ge=0, le=32)] = 0


class NightLooks(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Unlabelled night pictures whose histogram day pictures are given.

    Attributes:
        source: Where the night pictures are.
        share: Share of day pictures that are changed.
        cameras: Change the thermal half alone, or both halves by the same night.
    """

    source: Source
    share: Share = 0.5
    cameras: Literal['thermal', 'both'] = 'thermal'


class TrainArgs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The optimisation.

    Attributes:
        steps: Optimiser steps.
        batch_size: Crops a batch and process.
        stratified: Every batch holds each source in the share of its weight, rather than on
            average; for methods that set day and night apart.
        accumulate: Batches a step.
        crop_hw: Rows and columns of the crops, multiples of 32.
        lr: Highest learning rate.
        schedule: How the rate falls after the warm-up: ``cosine``, or ``poly`` (power 0.9).
        lr_end: Rate after the last step, as a share of the highest; null: 0.01 for ``cosine``,
            0 for ``poly``.
        backbone_lr: Rate of parameters inside a ``backbone``, as a share of the others'.
        warmup: Steps of linear warm-up.
        weight_decay: On weights of two and more dimensions.
        clip_norm: Largest norm of the gradient.
        ema_decay: Decay of the averaged weights, which are validated and deployed.
        precision: ``32-true``, ``bf16-mixed``, or ``auto``: the second where the device computes
            in bfloat16 by itself.
        device: ``auto``, ``cpu`` or ``cuda``.
        processes: Processes that train together.
        log_every: Steps between log lines.
        eval_every: Steps between validations.
        save_every: Steps between ``last`` checkpoints.
    """

    steps: Positive = 1000
    batch_size: Positive = 8
    stratified: bool = False
    accumulate: Positive = 1
    crop_hw: tuple[int, int] = (320, 320)
    lr: Annotated[float, msgspec.Meta(gt=0)] = 1e-3
    schedule: Literal['cosine', 'poly'] = 'cosine'
    lr_end: Share | None = None
    backbone_lr: Annotated[float, msgspec.Meta(gt=0)] = 1.0
    warmup: Annotated[int, msgspec.Meta(ge=0)] = 200
    weight_decay: Annotated[float, msgspec.Meta(ge=0)] = 0.02
    clip_norm: Annotated[float, msgspec.Meta(gt=0)] = 10.0
    ema_decay: Share = 0.998
    precision: Precision = 'auto'
    device: Literal['auto', 'cpu', 'cuda'] = 'auto'
    processes: Positive = 1
    log_every: Positive = 20
    eval_every: Positive = 500
    save_every: Positive = 250


class Recipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One training run.

    Attributes:
        name: Short name of the run and of the model made from it.
        seed: Seed of weights and batches.
        data_root: Folder that relative data set paths start from.
        cache: Folder for rendered synthetic drives.
        classes: Segmentation classes in id order.
        detection_classes: Detection classes in id order.
        network: Network.
        method: Method.
        input: Input contract.
        data: Sources to train on.
        validation: Sources to measure on; never trained on.
        crop: Geometric augmentation.
        photo: Photometric augmentation.
        train: Optimisation.
        teacher: Network that sources with ``labels: teacher`` and some methods learn from.
        night: Night look for day pictures.
        start: Earlier stage, run folder or checkpoint that the method begins from.
        stages: Runs one after the other. Each names what differs from the rest of the recipe;
            ``input``, ``crop``, ``photo`` and ``train`` key by key, other sections as a whole.
    """

    name: str
    data: tuple[Source, ...] = ()
    seed: int = 0
    data_root: str = 'data'
    cache: str = 'runs/cache'
    classes: tuple[ClassLabel, ...] | None = None
    detection_classes: tuple[str, ...] = DEFAULT_DETECTION_CLASSES
    network: NetworkSpec = NetworkSpec()
    method: MethodSpec = MethodSpec()
    input: InputSpec = InputSpec()
    validation: tuple[Source, ...] = ()
    crop: CropArgs = CropArgs()
    photo: PhotoArgs = PhotoArgs()
    train: TrainArgs = TrainArgs()
    teacher: TeacherSpec | None = None
    night: NightLooks | None = None
    start: str | None = None
    stages: tuple[dict[str, object], ...] = ()

    def labels(self) -> tuple[ClassLabel, ...]:
        """Return the segmentation classes, the default ones where none are named."""
        return DEFAULT_CLASSES if self.classes is None else self.classes

    def network_arguments(self) -> dict[str, int | float | str | bool]:
        """Return the network's constructor arguments, class counts and channels included."""
        counts: dict[str, int | float | str | bool] = {
            'num_classes': len(self.labels()),
            'num_detection_classes': len(self.detection_classes),
            'in_channels': 1 if self.input.modality == 'thermal' else 3,
        }
        return counts | self.network.arguments


def check_recipe(recipe: Recipe, where: str | Path) -> None:
    """Refuse recipes that no run can be made from.

    Args:
        recipe: The recipe.
        where: Its file, for messages.

    Raises:
        ConfigError: Sizes, class lists or sources do not make sense.
    """
    check_class_names([label.name for label in recipe.labels()], f'classes of {where}')
    check_class_names(recipe.detection_classes, f'detection_classes of {where}')
    if not recipe.data:
        message = f'no data in {where}'
        raise ConfigError(message, hint='name at least one source under data')
    for key, size in (
        ('input.network_hw', recipe.input.network_hw),
        ('train.crop_hw', recipe.train.crop_hw),
    ):
        if any(side < NETWORK_STRIDE or side % NETWORK_STRIDE for side in size):
            message = f'{key} is {size} in {where}'
            raise ConfigError(message, hint=f'rows and columns are multiples of {NETWORK_STRIDE}')
    if not 0 < recipe.crop.scale[0] <= recipe.crop.scale[1]:
        message = f'crop.scale is {recipe.crop.scale} in {where}'
        raise ConfigError(message, hint='give the smallest scale first, above 0')
    taught = any(source.labels == 'teacher' for source in recipe.data)
    if taught and recipe.teacher is None:
        message = f'labels: teacher without a teacher in {where}'
        raise ConfigError(message, hint='name one: teacher: {model: STAGE or FOLDER}')
    teacher = recipe.teacher
    if teacher is not None and (teacher.box_ignore or 0.0) > teacher.box_score:
        message = f'teacher.box_ignore is {teacher.box_ignore} in {where}'
        raise ConfigError(message, hint='give at most teacher.box_score')
    if not 0 <= recipe.input.low_percentile < recipe.input.high_percentile <= 100:
        message = f'percentiles of input do not make a range in {where}'
        raise ConfigError(message, hint='0 <= low_percentile < high_percentile <= 100')
