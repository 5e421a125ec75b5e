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

"""The deployed model that is adapted, and the recipe that adapts it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TYPE_CHECKING

import msgspec

from xspec_ros.bundle.store import open_bundle
from xspec_ros.errors import BundleError, ConfigError
from xspec_ros.learn.adapt.gather import FRAMES_NAME, SET_NAME, TRAINING
from xspec_ros.learn.adapt.tally import Contract
from xspec_ros.learn.data.sources import Source
from xspec_ros.learn.train.lineage import lineage_of_bundle
from xspec_ros.learn.train.networks import open_network
from xspec_ros.learn.train.recipe import (
    check_recipe,
    InputSpec,
    MethodSpec,
    NETWORK_STRIDE,
    NetworkSpec,
    Recipe,
    TeacherSpec,
    TrainArgs,
)
from xspec_ros.learn.train.validate import Preparation

if TYPE_CHECKING:
    from pathlib import Path
    from typing import TypeAlias

    from xspec_ros.bundle.store import Bundle
    from xspec_ros.learn.adapt.settings import AdaptSettings
    from xspec_ros.learn.train.lineage import Lineage
    from xspec_ros.learn.train.networks import OpenedNetwork

    Auxiliary: TypeAlias = Literal['rgb', 'gradient']

SUFFIX = '_adapted'
LOG_LINES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceModel:
    """The model that is adapted.

    Attributes:
        bundle: Its bundle.
        opened: Its network.
    """

    bundle: Bundle
    opened: OpenedNetwork

    @property
    def contract(self) -> Contract:
        """What networks of this kind take and answer."""
        manifest = self.bundle.manifest
        return Contract(
            preparation=Preparation(
                mode='thermal',
                network_hw=self.opened.network_hw,
                percentiles=self.opened.percentiles,
            ),
            class_names=self.opened.class_names,
            detection_class_names=self.opened.detection_class_names,
            score=manifest.thresholds.score,
        )

    @property
    def lineage(self) -> Lineage:
        """What the new bundle says of it."""
        return lineage_of_bundle(self.bundle)

    @property
    def adapted_name(self) -> str:
        """Name of the new model."""
        name = self.bundle.manifest.name
        return name if name.endswith(SUFFIX) else name + SUFFIX


def open_source_model(reference: str) -> SourceModel:
    """Open the model that is to be adapted.

    Args:
        reference: A bundle folder or a shipped name.

    Raises:
        BundleError: There is none, or it is no thermal model.
    """
    bundle = open_bundle(reference)
    modality = bundle.manifest.input.modality
    if modality != 'thermal':
        what = 'a fused model' if modality == 'both' else 'an RGB model'
        message = f'{reference} is {what}; adapt takes models of the thermal camera alone'
        hint = (
            'distil it into a thermal model (docs/methods/distil.md) and adapt that one'
            if modality == 'both'
            else 'train a thermal model from it: xspec train, methods masked_mutual or distil'
        )
        raise BundleError(message, hint=hint)
    return SourceModel(bundle=bundle, opened=open_network(str(bundle.path.resolve()), {}))


def open_rgb_teacher(reference: str, model: SourceModel) -> OpenedNetwork:
    """Open the RGB model that the new one may learn from and be held against.

    Args:
        reference: A bundle, a run folder or a checkpoint.
        model: The model that is adapted.

    Raises:
        ConfigError: It is no RGB model, or has other classes.
        DataError: There is none.
    """
    teacher = open_network(reference, {})
    if teacher.modality != 'rgb':
        message = f'--teacher {reference} takes {teacher.modality} pictures'
        raise ConfigError(message, hint='give an RGB model: it sees what thermal training lacks')
    classes = teacher.class_names, teacher.detection_class_names
    if classes != (model.opened.class_names, model.opened.detection_class_names):
        message = f'--teacher {reference} knows {", ".join(teacher.class_names)}'
        raise ConfigError(message, hint='give a teacher with the classes of the model')
    return teacher


def adapt_recipe(
    model: SourceModel,
    work: Path,
    auxiliary: Auxiliary,
    settings: AdaptSettings,
    *,
    teacher: str | None = None,
    boxes: bool = True,
) -> Recipe:
    """Return the recipe, as yet for the longest run.

    Args:
        model: The model that is adapted: where training starts.
        work: Work folder with the chosen frames.
        auxiliary: What the auxiliary network sees beside thermal.
        settings: Everything else.
        teacher: RGB model that is the frozen source by day; None: the model itself is, always.
        boxes: The model finds boxes in these drives. One that finds none labels none: running
            its detection heads would cost half of the steps and teach nothing.

    Raises:
        ConfigError: The settings do not fit together.
    """
    manifest, where = model.bundle.manifest, str(model.bundle.path.resolve())
    network_hw = model.opened.network_hw
    crop_hw = tuple(
        min(side, most) // NETWORK_STRIDE * NETWORK_STRIDE
        for side, most in zip(network_hw, settings.crop_hw, strict=True)
    )
    arguments = dict(settings.arguments)
    if settings.method == 'crossmatch':
        arguments = {'auxiliary': auxiliary} | arguments
        if teacher is not None:
            arguments |= settings.taught_arguments
        if not boxes:
            arguments = {'detection': 0.0} | arguments
    recipe = Recipe(
        name=model.adapted_name,
        seed=settings.seed,
        data_root=str(work / FRAMES_NAME),
        cache=str(work / 'cache'),
        data=(
            Source(
                dataset=SET_NAME,
                part=TRAINING,
                modality='both' if auxiliary == 'rgb' else 'thermal',
                masks=False,
                boxes=False,
            ),
        ),
        classes=manifest.classes,
        detection_classes=manifest.detection_classes,
        network=NetworkSpec(name=manifest.network.name, arguments=manifest.network.arguments),
        method=MethodSpec(name=settings.method, arguments=arguments),
        input=InputSpec(
            network_hw=network_hw,
            low_percentile=manifest.input.tone.low_percentile,
            high_percentile=manifest.input.tone.high_percentile,
        ),
        crop=settings.crop,
        photo=settings.photo,
        teacher=TeacherSpec(model=where if teacher is None else teacher),
        start=where,
        train=TrainArgs(
            steps=settings.max_steps,
            batch_size=settings.batch_size,
            crop_hw=(crop_hw[0], crop_hw[1]),
            lr=settings.lr if teacher is None else settings.taught_lr,
            warmup=settings.warmup,
            weight_decay=settings.weight_decay,
            clip_norm=settings.clip_norm,
            ema_decay=settings.ema_decay,
            precision=settings.precision,
            device=settings.device,
        ),
    )
    check_recipe(recipe, 'adapt')
    return recipe


def with_steps(recipe: Recipe, steps: int, eval_every: int) -> Recipe:
    """Return the recipe for a run of this length."""
    train = msgspec.structs.replace(
        recipe.train,
        steps=steps,
        eval_every=eval_every,
        save_every=steps,
        log_every=max(1, steps // LOG_LINES),
    )
    return msgspec.structs.replace(recipe, train=train)
