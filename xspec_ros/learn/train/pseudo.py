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

"""Pseudo-labels: what a frozen teacher says of pictures, written once before training."""

from __future__ import annotations

import logging
from typing import Any, TYPE_CHECKING

import cv2
import msgspec
import numpy as np
import torch

from xspec_ros.core.labels import UNLABELLED
from xspec_ros.errors import DataError
from xspec_ros.learn.data.views import Labels, NOTHING, relabelled
from xspec_ros.learn.data.whole import fill_once
from xspec_ros.learn.models.deploy import detect
from xspec_ros.learn.train.validate import forward

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from xspec_ros.learn.data.picture import Picture, PictureSet
    from xspec_ros.learn.data.views import PictureView
    from xspec_ros.learn.train.networks import OpenedNetwork
    from xspec_ros.learn.train.recipe import TeacherSpec
    from xspec_ros.learn.train.validate import Preparation

LOG = logging.getLogger(__name__)
INDEX_NAME = 'index.json'


class _Entry(msgspec.Struct, frozen=True, kw_only=True):
    file: str | None
    boxes: list[list[float]]
    classes: list[int]
    scores: list[float] | None = None  # runs begun before there were any have none
    crowd: list[bool] | None = None


class PseudoLabels:
    """Labels in a folder, one PNG a picture.

    Args:
        folder: Where they lie.
        entries: What lies there, in the order of the pictures.
    """

    def __init__(self, folder: Path, entries: Sequence[_Entry]) -> None:
        self._folder, self._entries = folder, tuple(entries)

    def __getitem__(self, index: int) -> Labels:
        """Return the labels of a picture; none for pictures of the night.

        Raises:
            DataError: A file is gone.
        """
        entry = self._entries[index]
        if entry.file is None:
            return NOTHING
        path = self._folder / entry.file
        label_map = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        if label_map is None:
            message = f'pseudo-labels {path} cannot be read'
            raise DataError(message, hint='start the run anew')
        return Labels(
            label_map=np.asarray(label_map, np.uint8),
            boxes_xyxy=np.asarray(entry.boxes, np.float32).reshape(-1, 4),
            box_classes=np.asarray(entry.classes, np.int64),
            box_scores=None if entry.scores is None else np.asarray(entry.scores, np.float32),
            box_crowd=None if entry.crowd is None else np.asarray(entry.crowd, np.bool_),
        )


def teach(
    pictures: PictureSet, teacher: OpenedNetwork, spec: TeacherSpec, folder: Path
) -> PictureView:
    """Return the pictures with the teacher's labels in place of their own.

    Labels are written to the folder, or read from there when a run is resumed. An RGB teacher
    says nothing of night pictures.

    Args:
        pictures: Pictures of the teacher's camera.
        teacher: The network.
        spec: What counts as sure.
        folder: Where the labels lie.

    Raises:
        DataError: The folder cannot be written.
    """
    index = folder / INDEX_NAME
    if not index.exists():
        LOG.info('%s: %d pictures are labelled by %s', pictures.title, len(pictures), spec.model)
        try:
            fill_once(folder, lambda part: _write(pictures, teacher, spec, part))
        except OSError as err:
            message = f'cannot write pseudo-labels to {folder}: {err}'
            raise DataError(message, hint='free space or choose another --out') from err
    entries = msgspec.json.decode(index.read_bytes(), type=list[_Entry])
    return relabelled(pictures, PseudoLabels(folder, entries), f'teacher {spec.model}')


def _write(pictures: PictureSet, teacher: OpenedNetwork, spec: TeacherSpec, folder: Path) -> None:
    """Fill the folder with the labels of every picture and their index."""
    preparation = teacher.preparation(teacher.mode)
    entries = []
    for number, picture in enumerate(pictures):
        if picture.day is False and teacher.mode == 'rgb':
            entries.append(_Entry(file=None, boxes=[], classes=[]))
            continue
        labels = label_picture(picture, teacher, spec, preparation)
        file = f'{number:06d}.png'
        if labels.label_map is None or not cv2.imwrite(str(folder / file), labels.label_map):
            message = f'{folder / file} could not be written'
            raise OSError(message)
        entries.append(_entry(file, labels))
    (folder / INDEX_NAME).write_bytes(msgspec.json.encode(entries))


def _entry(file: str, labels: Labels) -> _Entry:
    def listed(values: NDArray[np.generic] | None) -> list[Any] | None:
        return None if values is None else values.tolist()

    return _Entry(
        file=file,
        boxes=listed(labels.boxes_xyxy) or [],
        classes=labels.box_classes.tolist(),
        scores=listed(labels.box_scores),
        crowd=listed(labels.box_crowd),
    )


@torch.no_grad()
def label_picture(
    picture: Picture, teacher: OpenedNetwork, spec: TeacherSpec, preparation: Preparation
) -> Labels:
    """Return what the teacher is sure of.

    Args:
        picture: With the pictures of the teacher's mode.
        teacher: The network.
        spec: What counts as sure.
        preparation: How the picture becomes the network's input.
    """
    output = forward(teacher.network, picture, preparation)
    height, width = picture.size_hw
    found = detect(output.det, teacher.network_hw, height, width)
    boxes, scores, classes = (tensor[0].numpy() for tensor in found)
    kept = scores >= (spec.box_score if spec.box_ignore is None else spec.box_ignore)
    return Labels(
        label_map=_sure_labels(output.seg_logits.float(), spec, (height, width)),
        boxes_xyxy=boxes[kept],
        box_classes=classes[kept].astype(np.int64),
        box_scores=scores[kept],
        box_crowd=scores[kept] < spec.box_score,
    )


def _sure_labels(
    logits: torch.Tensor, spec: TeacherSpec, size_hw: tuple[int, int]
) -> NDArray[np.uint8]:
    """Return (H, W) uint8 of (1, K, h, w) logits; 255 where unsure or near another label."""
    fine = torch.nn.functional.interpolate(
        logits, size=size_hw, mode='bilinear', align_corners=False
    )
    best, label_map = fine.softmax(dim=1).max(dim=1)
    labels = label_map[0].to(torch.uint8).numpy()
    unsure = (best[0] < spec.confidence).numpy()
    if spec.erode_px:
        side = 2 * spec.erode_px + 1
        window = np.ones((side, side), np.uint8)
        unsure |= cv2.erode(labels, window) != cv2.dilate(labels, window)
    labels[unsure] = UNLABELLED
    return labels
