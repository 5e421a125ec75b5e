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

"""Pictures to verify a bundle on: real ones wherever they can be had, synthetic ones otherwise."""

from __future__ import annotations

from dataclasses import dataclass
import logging
from pathlib import Path
import tempfile
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from xspec_ros.core.radiometry import tone_range
from xspec_ros.core.truth import Boxes
from xspec_ros.errors import DataError
from xspec_ros.learn.data.sources import open_source, Source, SourceContext
from xspec_ros.learn.data.synthetic import SynthSource
from xspec_ros.learn.models import NETWORKS
from xspec_ros.learn.models.fusion import FusionNetwork
from xspec_ros.learn.train.recipe import Recipe

if TYPE_CHECKING:
    from collections.abc import Iterable

    from xspec_ros.core.frame import PixelArray, UInt8Array
    from xspec_ros.core.result import Mode
    from xspec_ros.learn.data.picture import Picture, PictureSet, SourceModality
    from xspec_ros.learn.train.checkpoint import CheckpointInfo

LOGGER = logging.getLogger(__name__)

SYNTHETIC_FRAMES = 24
SYNTHETIC_SEED = 90_001


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledFrame:
    """One picture or registered pair with what is known of it.

    Attributes:
        image: (H, W) uint8 or uint16 of the thermal camera, or None.
        rgb: (H, W, 3) uint8, or None; beside a thermal picture on its grid.
        tone: Low and high in counts, as of the picture alone.
        label_map: (H, W) uint8 truth, 255 ignored, or None.
        boxes: True boxes, or None.
    """

    image: PixelArray | None
    tone: tuple[float, float]
    rgb: UInt8Array | None = None
    label_map: UInt8Array | None = None
    boxes: Boxes | None = None

    @property
    def pixel_bytes(self) -> UInt8Array | None:
        """(H, W, 1) or (H, W, 2) uint8: what a thermal camera sends, little-endian."""
        if self.image is None:
            return None
        image = np.ascontiguousarray(self.image)
        little = image.astype(image.dtype.newbyteorder('<'), copy=False)
        return little.view(np.uint8).reshape(*image.shape, -1)


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameSet:
    """Frames and where they come from.

    Attributes:
        frames: At least one frame.
        origin: Name and fold, or ``synthetic``.
        synthetic: Whether they are synthetic for want of real ones.
    """

    frames: tuple[LabelledFrame, ...]
    origin: str
    synthetic: bool = False

    def of_mode(self, mode: Mode) -> tuple[LabelledFrame, ...]:
        """Return the frames that have the cameras of a mode.

        Raises:
            DataError: There are none.
        """
        found = tuple(
            frame
            for frame in self.frames
            if (mode == 'rgb' or frame.image is not None)
            and (mode == 'thermal' or frame.rgb is not None)
        )
        if not found:
            message = f'{self.origin} has no picture for mode {mode}'
            raise DataError(message, hint='give --data with registered pairs of both cameras')
        return found


def verification_frames(
    info: CheckpointInfo, *, data: Path | None = None, fold: str | None = None
) -> FrameSet:
    """Return the frames to verify on.

    Args:
        info: The checkpoint; its recipe names the validation sets.
        data: Data set folder to take instead.
        fold: Fold of it.

    Returns:
        ``data``, else the recipe's validation sets, else synthetic frames.

    Raises:
        DataError: ``data`` was asked for and cannot be used.
    """
    recipe = msgspec.convert(info.recipe, Recipe)
    if data is not None:
        source = Source(
            dataset=str(data.resolve()),
            folds=(fold,) if fold else (),
            modality=_cameras(recipe, info),
        )
        return _open(recipe, (source,), info)
    try:
        return _open(recipe, recipe.validation, info)
    except DataError as error:
        LOGGER.warning('verifying on synthetic frames: %s', error)
    with tempfile.TemporaryDirectory() as cache:
        synth = SynthSource(count=SYNTHETIC_FRAMES, seed=SYNTHETIC_SEED)
        recipe = msgspec.structs.replace(recipe, cache=cache)
        found = _open(recipe, (Source(synth=synth, modality=_cameras(recipe, info)),), info)
    return FrameSet(frames=found.frames, origin='synthetic', synthetic=True)


def calibration_frames(info: CheckpointInfo) -> FrameSet | None:
    """Return real pictures that the checkpoint was trained on, to take int8 ranges from.

    Validation pictures would judge what they had helped to make.

    Returns:
        Pictures of the recipe's data sets; None where they are absent or all synthetic.
    """
    recipe = msgspec.convert(info.recipe, Recipe)
    real = tuple(source for source in recipe.data if source.dataset)
    try:
        return _open(recipe, real, info) if real else None
    except DataError as error:
        LOGGER.warning('calibrating on the frames of the verification: %s', error)
        return None


def open_sources(
    recipe: Recipe, sources: Iterable[Source], info: CheckpointInfo
) -> list[PictureSet]:
    """Open data sources as the trainer does, with the checkpoint's classes."""
    context = SourceContext(
        data_root=Path(recipe.data_root),
        cache=Path(recipe.cache),
        classes=info.classes,
        detection_classes=info.detection_classes,
    )
    return [open_source(source, context) for source in sources]


def _open(recipe: Recipe, sources: Iterable[Source], info: CheckpointInfo) -> FrameSet:
    percentiles = (recipe.input.low_percentile, recipe.input.high_percentile)
    frames: list[LabelledFrame] = []
    origins: list[str] = []
    for pictures in open_sources(recipe, sources, info):
        frames += [labelled_frame(picture, percentiles) for picture in pictures]
        fold = str(pictures.facts.get('fold', ''))
        origins.append(f'{pictures.facts["name"]} {fold}'.strip())
    if not frames:
        message = 'the recipe names no validation pictures'
        raise DataError(message, hint='give --data')
    found = FrameSet(frames=tuple(frames), origin=', '.join(origins))
    if _cameras(recipe, info) == 'both':
        found.of_mode('fused')
    else:
        found.of_mode(recipe.input.modality)
    return found


def _cameras(recipe: Recipe, info: CheckpointInfo) -> SourceModality:
    """Return what frames need, to try every graph of a network."""
    return 'both' if NETWORKS[info.network.name] is FusionNetwork else recipe.input.modality


def labelled_frame(picture: Picture, percentiles: tuple[float, float]) -> LabelledFrame:
    """Return a picture of the trainer as one that engines are run on.

    Args:
        picture: The picture.
        percentiles: Of the tone mapping.
    """
    boxes = Boxes(
        boxes_xyxy=picture.boxes_xyxy,
        class_ids=picture.box_classes.astype(np.int32),
        crowd=picture.box_crowd,
    )
    # copies: a memory-mapped cache may be gone by the time it is used
    own = None if picture.thermal is None else picture.thermal.copy()
    return LabelledFrame(
        image=own,
        rgb=None if picture.rgb is None else picture.rgb.copy(),
        tone=(0.0, 255.0) if own is None else tone_range(own, *percentiles),
        label_map=None if picture.label_map is None else picture.label_map.copy(),
        boxes=boxes if picture.has_boxes else None,
    )
