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

"""One affine map from the stored picture to the training crop: scale, crop, flip at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, cast, TYPE_CHECKING

import cv2
import msgspec
import numpy as np

from xspec_ros.core.labels import UNLABELLED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xspec_ros.core.frame import PixelArray
    from xspec_ros.learn.data.picture import Picture

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class CropArgs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How crops are cut.

    Attributes:
        scale: Smallest and largest scale, relative to the size the network is deployed at.
        aspect: Largest change of the aspect ratio, as a factor either way.
        flip: Share of mirrored crops.
        focus: Share of crops that are cut around an object, rare classes first.
        least_visible: Boxes with less of their area inside become regions to ignore.
        least_side_px: Boxes with a shorter side in the crop become regions to ignore.
    """

    scale: tuple[float, float] = (0.6, 1.5)
    aspect: float = 1.15
    flip: Share = 0.5
    focus: Share = 0.3
    least_visible: Share = 0.4
    least_side_px: float = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Crop:
    """An axis-aligned map: x' = scale_x * x + shift_x in pixel-edge coordinates.

    Attributes:
        scale_x: Negative where mirrored.
        scale_y: Positive.
        shift_x: Pixels of the crop.
        shift_y: Pixels of the crop.
        size_hw: Rows and columns of the crop.
    """

    scale_x: float
    scale_y: float
    shift_x: float
    shift_y: float
    size_hw: tuple[int, int]

    def matrix(self) -> NDArray[np.float64]:
        """Return the (2, 3) map between pixel centres."""
        return np.array(
            [
                [self.scale_x, 0.0, self.shift_x + 0.5 * self.scale_x - 0.5],
                [0.0, self.scale_y, self.shift_y + 0.5 * self.scale_y - 0.5],
            ]
        )

    def warp(
        self, image: NDArray[np.generic], *, nearest: bool, fill: float
    ) -> NDArray[np.generic]:
        """Resample a picture or label map; outside is ``fill``."""
        height, width = self.size_hw
        flags = cv2.INTER_NEAREST if nearest else cv2.INTER_LINEAR
        return cast(
            'PixelArray',
            cv2.warpAffine(
                cast('NDArray[np.uint16]', image),
                self.matrix(),
                (width, height),
                flags=flags,
                borderMode=cv2.BORDER_CONSTANT,
                borderValue=(fill, fill, fill, fill),
            ),
        )

    def map_boxes(self, boxes_xyxy: NDArray[np.float32]) -> NDArray[np.float32]:
        """Carry (N, 4) corners into the crop, without clipping."""
        x = boxes_xyxy[:, [0, 2]] * self.scale_x + self.shift_x
        y = boxes_xyxy[:, [1, 3]] * self.scale_y + self.shift_y
        x.sort(axis=1)
        return np.stack((x[:, 0], y[:, 0], x[:, 1], y[:, 1]), axis=1).astype(np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class CroppedLabels:
    """Labels of a crop.

    Attributes:
        label_map: (h, w) uint8.
        inside: (h, w) bool, where the picture (and its registered partner) shows something.
        boxes_xyxy: (N, 4) float32 inside the crop.
        box_classes: (N,) int64.
        box_crowd: (N,) bool.
        box_scores: (N,) float32, how sure the label of a box is; None: every label is.
    """

    label_map: NDArray[np.uint8]
    inside: NDArray[np.bool_]
    boxes_xyxy: NDArray[np.float32]
    box_classes: NDArray[np.int64]
    box_crowd: NDArray[np.bool_]
    box_scores: NDArray[np.float32] | None = None


def draw_crop(
    picture: Picture,
    args: CropArgs,
    rng: np.random.Generator,
    *,
    network_hw: tuple[int, int],
    crop_hw: tuple[int, int],
) -> Crop:
    """Draw a crop at random.

    Args:
        picture: What it is cut from.
        args: Ranges.
        rng: Random numbers.
        network_hw: Size that a picture is stretched to when the network is deployed.
        crop_hw: Size of the crop.
    """
    height, width = picture.size_hw
    low, high = np.log(args.scale)
    scale = np.exp(rng.uniform(low, high))
    aspect = np.exp(rng.uniform(-1, 1) * np.log(args.aspect) / 2)
    scale_y = network_hw[0] / height * scale / aspect
    scale_x = network_hw[1] / width * scale * aspect
    focus = _focus_point(picture, rng) if rng.random() < args.focus else None
    shift_x = _shift(width * scale_x, crop_hw[1], rng, focus and focus[0] * scale_x)
    shift_y = _shift(height * scale_y, crop_hw[0], rng, focus and focus[1] * scale_y)
    if rng.random() < args.flip:
        scale_x, shift_x = -scale_x, crop_hw[1] - shift_x
    return Crop(
        scale_x=float(scale_x),
        scale_y=float(scale_y),
        shift_x=float(shift_x),
        shift_y=float(shift_y),
        size_hw=crop_hw,
    )


def crop_labels(picture: Picture, crop: Crop, args: CropArgs) -> CroppedLabels:
    """Carry masks and boxes into a crop; hardly visible boxes become regions to ignore."""
    height, width = crop.size_hw
    if picture.label_map is None:
        label_map = np.full((height, width), UNLABELLED, np.uint8)
    else:
        label_map = crop.warp(picture.label_map, nearest=True, fill=UNLABELLED).astype(np.uint8)
    inside = _inside(picture, crop)
    label_map[~inside] = UNLABELLED
    whole = crop.map_boxes(picture.boxes_xyxy)
    cut = whole.clip(0, np.array([width, height, width, height], np.float32))
    area = _area(whole)
    visible = _area(cut) / np.maximum(area, 1e-6)
    side = np.minimum(cut[:, 2] - cut[:, 0], cut[:, 3] - cut[:, 1])
    crowd = (
        picture.box_crowd
        | (visible < args.least_visible)
        | (side < args.least_side_px)
        | (picture.box_classes < 0)
    )
    keep = _area(cut) > 0
    scores = picture.box_scores
    return CroppedLabels(
        label_map=label_map,
        inside=inside,
        boxes_xyxy=cut[keep],
        box_classes=np.maximum(picture.box_classes[keep], 0),
        box_crowd=crowd[keep],
        box_scores=None if scores is None else scores[keep],
    )


def _inside(picture: Picture, crop: Crop) -> NDArray[np.bool_]:
    """Return (h, w): the crop's pixels whose centres lie in the picture's valid part."""
    if picture.rgb_valid is not None:
        valid = crop.warp(picture.rgb_valid.view(np.uint8), nearest=True, fill=0)
        return np.asarray(valid, np.bool_)
    height, width = picture.size_hw
    rows, columns = (np.arange(side) + 0.5 for side in crop.size_hw)
    x = (columns - crop.shift_x) / crop.scale_x
    y = (rows - crop.shift_y) / crop.scale_y
    return np.asarray(
        ((y >= 0) & (y < height))[:, None] & ((x >= 0) & (x < width))[None, :], np.bool_
    )


def _area(boxes_xyxy: NDArray[np.float32]) -> NDArray[np.float32]:
    sides = boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]
    return np.asarray(sides[:, 0] * sides[:, 1], np.float32)


def _focus_point(picture: Picture, rng: np.random.Generator) -> tuple[float, float] | None:
    """Return the centre of an object; every class present is equally likely."""
    usable = np.flatnonzero(~picture.box_crowd & (picture.box_classes >= 0))
    if len(usable) == 0:
        return None
    classes = picture.box_classes[usable]
    wanted = rng.choice(np.unique(classes))
    box = picture.boxes_xyxy[rng.choice(usable[classes == wanted])]
    return float(box[0] + box[2]) / 2, float(box[1] + box[3]) / 2


def _shift(extent: float, crop: int, rng: np.random.Generator, focus: float | None) -> float:
    """Return where the picture's edge comes to lie: the crop inside it, or it inside the crop."""
    low, high = min(crop - extent, 0.0), max(crop - extent, 0.0)
    if focus is not None:  # the point within the middle of the crop, as far as edges allow
        return float(np.clip(crop * rng.uniform(0.2, 0.8) - focus, low, high))
    return float(rng.uniform(low, high))
