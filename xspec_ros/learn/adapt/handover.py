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

"""An accepted network becomes a verified bundle that says where it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

import xspec_ros
from xspec_ros.bundle.manifest import Network, Provenance
from xspec_ros.bundle.store import write_bundle
from xspec_ros.errors import EngineError
from xspec_ros.learn.export.export import export_source, PLACES, Source
from xspec_ros.learn.export.frames import FrameSet, labelled_frame
from xspec_ros.learn.export.licences import licence_of
from xspec_ros.learn.train.lineage import inherited, OF_PARENT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import torch

    from xspec_ros.bundle.store import Bundle
    from xspec_ros.learn.adapt.figures import Figures
    from xspec_ros.learn.adapt.recipe import SourceModel
    from xspec_ros.learn.data.picture import Picture
    from xspec_ros.learn.train.recipe import Recipe

DRAFT_NAME = 'bundle'


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What is handed over.

    Attributes:
        model: What it was made from.
        recipe: How.
        weights: The new network's weights.
        step: Step they are of.
        before: Figures of the old model.
        after: Figures of the new one.
        data: Drives and guard set, as a bundle states its data.
    """

    model: SourceModel
    recipe: Recipe
    weights: dict[str, torch.Tensor]
    step: int
    before: Figures
    after: Figures
    data: Sequence[Mapping[str, object]]


def precisions_of(model: SourceModel, *, labelled: bool) -> tuple[str, ...]:
    """Return the precisions of the new bundle: lower ones need labels to be verified."""
    lower = [name for name in model.bundle.manifest.precisions if name != 'fp32']
    return ('fp32', *(lower if labelled else ()))


def frame_set(pictures: Sequence[Picture], model: SourceModel, origin: str) -> FrameSet:
    """Return pictures as what engines are compared on."""
    percentiles = model.opened.percentiles
    frames = tuple(labelled_frame(picture, percentiles) for picture in pictures)
    return FrameSet(frames=frames, origin=origin)


def hand_over(
    result: Result,
    out: Path,
    work: Path,
    *,
    frames: FrameSet,
    precisions: Sequence[str],
    calibration: FrameSet,
) -> tuple[Bundle, list[str]]:
    """Export, verify and put the bundle in its place, whole or not at all.

    Args:
        result: What is handed over.
        out: Folder of the bundle.
        work: Work folder.
        frames: What the engines are compared on.
        precisions: To be made; those that no engine passes are left out.
        calibration: What int8 takes its ranges from.

    Returns:
        The bundle, and what its user should know.

    Raises:
        EngineError: No engine answers like the reference.
        BundleError: It cannot be written.
    """
    report = export_source(
        bundle_source(result),
        work / DRAFT_NAME,
        frames=frames,
        precisions=precisions,
        calibration=calibration,
    )
    draft = report.bundle
    verified = draft.manifest.precisions['fp32'].verified
    failed = [name for name, seen in verified.items() if not seen.ok]
    if len(failed) == len(verified):
        message = f'no engine answers like the network: {", ".join(failed) or "none is here"}'
        raise EngineError(message, hint='see xspec doctor; the model was not handed over')
    warnings = [f'engine {name} failed the verification and will not run' for name in failed]
    warnings += [f'{name} left out: {why}' for name, why in report.dropped.items()]
    files = {name: draft.path / name for name in draft.manifest.files}
    return write_bundle(out, draft.manifest, files), warnings


def bundle_source(result: Result) -> Source:
    """Return what the export takes; nothing in it names a place of this machine.

    The data of the parent stay named: what its weights owe, these owe too.
    """
    manifest = result.model.bundle.manifest
    before = result.model.lineage
    owed = inherited(before.data, OF_PARENT)
    data = [{**entry, 'licence': licence_of(entry)} for entry in (*result.data, *owed)]
    return Source(
        name=result.model.adapted_name,
        network=Network(name=manifest.network.name, arguments=manifest.network.arguments),
        state=result.weights,
        classes=manifest.classes,
        detection_classes=manifest.detection_classes,
        network_hw=manifest.input.network_hw,
        thresholds=manifest.thresholds,
        tone=manifest.input.tone,
        provenance=Provenance(
            recipe=_told(result.recipe, manifest.name),
            data=data,
            code_version=xspec_ros.__version__,
            metrics=_metrics(result),
            parent=before.parent,
        ),
    )


def _told(recipe: Recipe, parent: str) -> dict[str, object]:
    """Return the recipe without the places of this machine."""
    named = msgspec.structs.replace(recipe, start=parent)
    if recipe.teacher is not None:
        own = recipe.teacher.model == recipe.start
        name = parent if own else Path(recipe.teacher.model).name
        teacher = msgspec.structs.replace(recipe.teacher, model=name)
        named = msgspec.structs.replace(named, teacher=teacher)
    plain: dict[str, object] = msgspec.to_builtins(named)
    return {key: value for key, value in plain.items() if key not in PLACES}


def _metrics(result: Result) -> dict[str, object]:
    after = result.after
    return {
        'step': result.step,
        'miou': after.miou,
        'map50': after.map50,
        'per_class': dict(after.per_class),
        'adaptation': {'before': _brief(result.before), 'after': _brief(after)},
    }


def _brief(figures: Figures) -> dict[str, object]:
    named = {
        'miou': figures.miou,
        'map50': figures.map50,
        **{f'{kind} consistency': value for kind, value in figures.consistency.items()},
        'agreement with the teacher': figures.teacher,
        'agreement with the source model': figures.agreement,
        'frames': figures.frames,
    }
    return {name: value for name, value in named.items() if value is not None}
