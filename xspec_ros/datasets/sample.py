"""One labelled picture or pair, its boxes, and what a gap in the masks means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TYPE_CHECKING, TypeAlias

import numpy as np

from xspec_ros.core.labels import ClassLabel, IGNORED_NAMES, index_by_name, UNLABELLED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from xspec_ros.core.frame import PixelArray, UInt8Array

COMPLEMENT = 254
"""Label of a pixel that is none of the classes its data set annotates (``other='complement'``)."""

VOID_NAMES = frozenset({'void', 'ignore'})
Other: TypeAlias = Literal['ignore', 'complement']


@dataclass(frozen=True, slots=True, kw_only=True)
class Boxes:
    """True boxes of one picture; no boxes at all is a valid value.

    Attributes:
        boxes_xyxy: (N, 4) float32, left, top, right, bottom in pixels of the picture.
        class_ids: (N,) int32 detection classes; -1 for a crowd region of no one class.
        crowd: (N,) bool, regions to ignore.
    """

    boxes_xyxy: NDArray[np.float32]
    class_ids: NDArray[np.int32]
    crowd: NDArray[np.bool_]

    def __post_init__(self) -> None:
        """Refuse arrays that do not belong together."""
        count = len(self.class_ids)
        if self.boxes_xyxy.shape != (count, 4) or self.crowd.shape != (count,):
            shapes = (self.boxes_xyxy.shape, self.class_ids.shape, self.crowd.shape)
            message = f'boxes need shapes (N, 4), (N,), (N,), got {shapes}'
            raise ValueError(message)

    def __len__(self) -> int:
        """Return the number of boxes."""
        return len(self.class_ids)

    @classmethod
    def of(
        cls,
        boxes_xyxy: Sequence[Sequence[float]] | NDArray[np.float32],
        class_ids: Sequence[int] | NDArray[np.int32],
        crowd: Sequence[bool] | NDArray[np.bool_] | None = None,
    ) -> Boxes:
        """Build boxes from anything array-like; ``crowd`` defaults to none.

        Args:
            boxes_xyxy: N rows of left, top, right, bottom.
            class_ids: N detection classes.
            crowd: N flags.
        """
        return cls(
            boxes_xyxy=np.asarray(boxes_xyxy, np.float32).reshape(-1, 4),
            class_ids=np.asarray(class_ids, np.int32).reshape(-1),
            crowd=np.zeros(len(class_ids), bool) if crowd is None else np.asarray(crowd, bool),
        )

    @classmethod
    def empty(cls) -> Boxes:
        """Return the label of a picture without objects."""
        return cls.of([], [])


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One picture or pair with its labels; None means unlabelled or absent.

    Attributes:
        name: Name of the picture without suffix.
        rgb: (H, W, 3) uint8, channels R, G, B.
        thermal: (H, W) uint8 or uint16, as stored.
        label_map: (H, W) uint8 model class ids, 255 unlabelled, 254 see ``COMPLEMENT``;
            size of the thermal picture, of the visible one where there is no thermal.
        boxes_thermal: Boxes in pixels of the thermal picture.
        boxes_rgb: Boxes in pixels of the visible picture.
        day: True by day and dusk, False at night, None unknown.
        fold: Fold of ``split.csv``, or the part where it names none.
        part: Folder of the set: ``pool``, ``train``, ``val``.
    """

    name: str
    rgb: UInt8Array | None = None
    thermal: PixelArray | None = None
    label_map: UInt8Array | None = None
    boxes_thermal: Boxes | None = None
    boxes_rgb: Boxes | None = None
    day: bool | None = None
    fold: str = ''
    part: str = ''


def mask_table(
    source_names: Sequence[str], classes: Sequence[ClassLabel], *, other: Other = 'ignore'
) -> tuple[UInt8Array, frozenset[int]]:
    """Build the table from a set's mask ids to model ids, and the model ids it annotates.

    Args:
        source_names: Names of the set's ids, in id order; '' for an id that is never labelled.
        classes: The model's classes.
        other: ``ignore``: what has no counterpart becomes 255. ``complement``: in a set that
            annotates only some of the model's classes, unlabelled pixels and classes without
            counterpart become 254; void stays 255.

    Returns:
        (256,) uint8 table, and the annotated model ids.
    """
    known = index_by_name(classes)
    lowered = [name.strip().lower() for name in source_names[:256]]
    named = [name not in IGNORED_NAMES for name in lowered]
    found = [
        known.get(name) if is_class else None
        for name, is_class in zip(lowered, named, strict=True)
    ]
    annotated = frozenset(index for index in found if index is not None)
    partial = other == 'complement' and len(annotated) < len(classes)
    table = np.full(256, UNLABELLED, np.uint8)
    for source_id, (name, index) in enumerate(zip(lowered, found, strict=True)):
        if index is not None:
            table[source_id] = index
        elif partial and name and name not in VOID_NAMES:
            table[source_id] = COMPLEMENT
    table[UNLABELLED] = UNLABELLED
    return table, annotated


def detection_table(
    classes: Sequence[ClassLabel], detection_classes: Sequence[str]
) -> dict[str, int]:
    """Map lower-case category names and aliases to detection class ids.

    Args:
        classes: The model's segmentation classes, for their aliases.
        detection_classes: Names of the detection classes.
    """
    ids = {name.lower(): index for index, name in enumerate(detection_classes)}
    table = {
        alias.lower(): ids[label.name.lower()]
        for label in classes
        for alias in label.aliases
        if label.name.lower() in ids
    }
    return table | ids


def segmentation_ids(
    classes: Sequence[ClassLabel], detection_classes: Sequence[str]
) -> NDArray[np.int32]:
    """Return (D,) int32: the segmentation class of every detection class, -1 for none.

    Args:
        classes: Segmentation classes.
        detection_classes: Names of the detection classes.
    """
    known = index_by_name(classes)
    return np.array([known.get(name.lower(), -1) for name in detection_classes], np.int32)


def unmasked_box_regions(
    label_map: UInt8Array, boxes: Boxes, label_ids: NDArray[np.int32], *, share: float = 0.2
) -> NDArray[np.bool_]:
    """Find boxes that the masks do not cover: what is in them is not known.

    People who draw masks miss objects that people who draw boxes find (30 % of the persons in
    MFNet), so inside such a box "not labelled" does not mean "not there".

    Args:
        label_map: (H, W) uint8 model class ids.
        boxes: Boxes of the same picture.
        label_ids: (D,) segmentation class of every detection class, -1 for none
            (``segmentation_ids``).
        share: Boxes with less than this share of their area in their class are returned.

    Returns:
        (H, W) bool, True inside such boxes.
    """
    height, width = label_map.shape
    region = np.zeros((height, width), bool)
    for box, class_id in zip(boxes.boxes_xyxy, boxes.class_ids, strict=True):
        left, top = (max(int(np.floor(value)), 0) for value in box[:2])
        right, bottom = min(int(np.ceil(box[2])), width), min(int(np.ceil(box[3])), height)
        if right <= left or bottom <= top:
            continue
        label_id = label_ids[class_id] if class_id >= 0 else -1
        inside = label_map[top:bottom, left:right]
        if class_id < 0 or (label_id >= 0 and np.mean(inside == label_id) < share):
            region[top:bottom, left:right] = True
    return region
