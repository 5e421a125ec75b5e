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

"""Batches by number: batch n is the same whoever draws it, and whenever."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch

from xspec_ros.learn.batch import Batch, NO_BOX
from xspec_ros.learn.data.augment import erase, PhotoArgs, rgb_crop, thermal_crop
from xspec_ros.learn.data.geometry import crop_labels, CropArgs, CroppedLabels, draw_crop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from xspec_ros.learn.data.picture import Picture, PictureSet

PREFETCH = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchArgs:
    """What every batch of a run shares.

    Attributes:
        seed: Seed of the run.
        batch_size: Pictures a batch.
        crop_hw: Size of the crops.
        network_hw: Size that pictures are stretched to when deployed.
        percentiles: Low and high percentile of the tone mapping.
        crop: Geometry.
        photo: Pixels.
        stratified: Every batch holds each source in the share of its weight, rather than on
            average.
        look_share: Share of day pictures that are given the look of the night.
        look_rgb: Give it to their RGB half too.
        rank: Number of this process.
        processes: Processes that train together.
    """

    seed: int
    batch_size: int
    crop_hw: tuple[int, int]
    network_hw: tuple[int, int]
    percentiles: tuple[float, float]
    crop: CropArgs
    photo: PhotoArgs
    stratified: bool = False
    look_share: float = 0.0
    look_rgb: bool = False
    rank: int = 0
    processes: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One augmented crop.

    Attributes:
        picture: What it was cut from.
        thermal: (h, w) float32 in [0, 1], or None.
        rgb: (h, w, 3) float32 in [0, 1], or None.
        labels: Labels of the crop.
    """

    picture: Picture
    thermal: NDArray[np.float32] | None
    rgb: NDArray[np.float32] | None
    labels: CroppedLabels


class BatchSource:
    """Draws batches from weighted sources.

    Args:
        sources: Pictures, with the weight of each source.
        args: Sizes and augmentation.
        looks: Night pictures whose look day pictures may be given.
    """

    def __init__(
        self,
        sources: Sequence[tuple[PictureSet, float]],
        args: BatchArgs,
        *,
        looks: PictureSet | None = None,
    ) -> None:
        self._sources = [pictures for pictures, _ in sources]
        weights = np.array([weight for _, weight in sources], np.float64)
        self._weights = weights / weights.sum()
        self._args = args
        self._looks = looks

    def example(self, number: int, index: int) -> Example:
        """Draw one crop; its random numbers come from (seed, number, index) alone."""
        args = self._args
        rng = np.random.default_rng([args.seed, number, index])
        if args.stratified:
            place = (index + 0.5) / (args.batch_size * args.processes)
            which = int(np.searchsorted(np.cumsum(self._weights)[:-1], place))
        else:
            which = int(rng.choice(len(self._sources), p=self._weights))
        pictures = self._sources[which]
        picture = pictures[int(rng.integers(len(pictures)))]
        return augment(picture, args, rng, look=self._draw_look(picture, rng))

    def _draw_look(self, picture: Picture, rng: np.random.Generator) -> Picture | None:
        """Return a picture of the night for some of the day's."""
        if self._looks is None or picture.day is False or rng.random() >= self._args.look_share:
            return None
        return self._looks[int(rng.integers(len(self._looks)))]

    def batch(self, number: int) -> Batch:
        """Draw batch ``number``: every process takes its turn, so that each has of all sources."""
        args = self._args
        indices = range(args.rank, args.batch_size * args.processes, args.processes)
        return collate([self.example(number, index) for index in indices])


def augment(
    picture: Picture,
    args: BatchArgs,
    rng: np.random.Generator,
    *,
    look: Picture | None = None,
) -> Example:
    """Cut and change one crop of a picture; ``look`` is a picture to resemble."""
    crop = draw_crop(picture, args.crop, rng, network_hw=args.network_hw, crop_hw=args.crop_hw)
    labels = crop_labels(picture, crop, args.crop)
    thermal = rgb = None
    if picture.thermal is not None:
        thermal = thermal_crop(
            picture.thermal,
            crop,
            args.photo,
            rng,
            percentiles=args.percentiles,
            look=None if look is None else look.thermal,
        )
    if picture.rgb is not None:
        dark = look.rgb if look is not None and args.look_rgb else None
        rgb = rgb_crop(picture.rgb, crop, args.photo, rng, look=dark)
    labels = erase([x for x in (thermal, rgb) if x is not None], labels, args.photo, rng)
    return Example(picture=picture, thermal=thermal, rgb=rgb, labels=labels)


def collate(examples: Sequence[Example]) -> Batch:
    """Stack crops of one size; boxes are padded to the longest list."""
    count = max(1, *(len(example.labels.box_classes) for example in examples))
    boxes = np.zeros((len(examples), count, 4), np.float32)
    classes = np.full((len(examples), count), NO_BOX, np.int64)
    crowd = np.zeros((len(examples), count), bool)
    scores = np.ones((len(examples), count), np.float32)
    for row, example in enumerate(examples):
        number = len(example.labels.box_classes)
        boxes[row, :number] = example.labels.boxes_xyxy
        classes[row, :number] = example.labels.box_classes
        crowd[row, :number] = example.labels.box_crowd
        if example.labels.box_scores is not None:
            scores[row, :number] = example.labels.box_scores
    days = {True: 1, False: 0, None: -1}
    pictures = [example.picture for example in examples]
    return Batch(
        thermal=_stack([example.thermal for example in examples]),
        rgb=_stack([example.rgb for example in examples]),
        label_map=torch.from_numpy(
            np.stack([example.labels.label_map for example in examples]).astype(np.int64)
        ),
        inside=torch.from_numpy(np.stack([example.labels.inside for example in examples])),
        has_masks=torch.tensor([picture.label_map is not None for picture in pictures]),
        mask_classes=torch.from_numpy(np.stack([p.mask_classes for p in pictures])),
        boxes_xyxy=torch.from_numpy(boxes),
        box_classes=torch.from_numpy(classes),
        box_crowd=torch.from_numpy(crowd),
        has_boxes=torch.tensor([picture.has_boxes for picture in pictures]),
        day=torch.tensor([days[picture.day] for picture in pictures]),
        names=tuple(picture.name for picture in pictures),
        box_scores=torch.from_numpy(scores),
    )


def _stack(images: Sequence[NDArray[np.float32] | None]) -> torch.Tensor | None:
    """Return (B, C, H, W), or None when a picture lacks the modality."""
    present = [image for image in images if image is not None]
    if len(present) < len(images):
        return None
    stacked = np.stack([image if image.ndim == 3 else image[..., None] for image in present])
    return torch.from_numpy(stacked).permute(0, 3, 1, 2)  # (B, C, H, W), channels last in memory


def prefetch(draw: Callable[[int], Batch], first: int, last: int) -> Iterator[Batch]:
    """Yield batches ``first`` to ``last - 1``, drawn ahead by one background thread.

    One thread keeps the second core busy: OpenCV and numpy release the interpreter, and no
    process has to copy the pictures.

    Args:
        draw: Returns a batch by number.
        first: Number of the first batch.
        last: One beyond the last.
    """
    cv2.setNumThreads(1)
    waiting: deque[Future[Batch]] = deque()
    with ThreadPoolExecutor(1, thread_name_prefix='batches') as pool:
        try:
            for number in range(first, last):
                waiting.append(pool.submit(draw, number))
                if len(waiting) > PREFETCH:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
