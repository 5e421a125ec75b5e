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

"""Segmentation IoU and detection AP against what people labelled."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from faster_coco_eval import COCO, COCOeval_faster
import numpy as np

from xspec_ros.core.truth import Boxes, COMPLEMENT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from xspec_ros.core.frame import UInt8Array
    from xspec_ros.core.result import Detections

MINIMUM_SCORE = 0.01
MAX_BOXES = 100
ANY_AREA = [0.0, 1e10]
Summary: TypeAlias = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentationScore:
    """How well label maps fit the masks.

    Attributes:
        miou: Mean IoU over the classes present in the truth, 0 to 1; None without truth.
        iou: IoU of every class by name; None for a class absent from the truth.
        pixels: Labelled pixels that were compared.
    """

    miou: float | None
    iou: Mapping[str, float | None]
    pixels: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionScore:
    """How well boxes fit the true boxes, by COCO's rules.

    Attributes:
        map: AP over IoU 0.50 to 0.95, mean over the classes with truth; None without truth.
        map50: The same at IoU 0.50.
        map75: The same at IoU 0.75.
        ap: AP of every class by name; None for a class without truth.
        ap50: The same at IoU 0.50.
    """

    map: float | None
    map50: float | None
    map75: float | None
    ap: Mapping[str, float | None]
    ap50: Mapping[str, float | None]


class ConfusionMatrix:
    """Counts of labelled pixels by true and given class.

    Attributes:
        names: Class names in id order, K of them.
        counts: (K + 1, K + 1) int64; row: true class, the last one background; column: given
            class, the last one no answer.

    Args:
        names: Class names in id order.
        background: Count pixels labelled ``COMPLEMENT`` as background: a class given there is
            a false alarm. Otherwise they are ignored like unlabelled ones.
    """

    def __init__(self, names: Sequence[str], *, background: bool = False) -> None:
        self.names = tuple(names)
        count = len(self.names)
        self.counts = np.zeros((count + 1, count + 1), np.int64)
        self._given = np.minimum(np.arange(256), count)
        self._true = np.where(np.arange(256) < count, np.arange(256), count + 1)
        if background:
            self._true[COMPLEMENT] = count

    def update(self, label_map: UInt8Array, truth: UInt8Array) -> None:
        """Count one picture.

        Args:
            label_map: (H, W) uint8 given class ids; 255 is no answer, a miss where the truth
                has a class.
            truth: (H, W) uint8 true class ids; 255 is left out.

        Raises:
            ValueError: The shapes differ.
        """
        if label_map.shape != truth.shape:
            message = f'label map {label_map.shape} and truth {truth.shape} differ in shape'
            raise ValueError(message)
        side = len(self.names) + 1
        codes = self._true[truth] * side + self._given[label_map]
        found = np.bincount(codes.ravel(), minlength=side * (side + 1))
        self.counts += found.reshape(side + 1, side)[:side]

    def score(self) -> SegmentationScore:
        """Return what was counted so far as IoU."""
        hits = np.diagonal(self.counts)[:-1]
        true = self.counts.sum(axis=1)[:-1]
        given = self.counts.sum(axis=0)[:-1]
        iou = {
            name: float(hit / (has + says - hit)) if has else None
            for name, hit, has, says in zip(self.names, hits, true, given, strict=True)
        }
        return SegmentationScore(miou=_mean(iou.values()), iou=iou, pixels=int(self.counts.sum()))


def average_precision(
    predictions: Sequence[Detections], truths: Sequence[Boxes], names: Sequence[str]
) -> DetectionScore:
    """Score the boxes of labelled pictures by COCO's rules.

    All boxes with a score of at least 0.01 count, up to 100 a picture and class. Crowd regions
    are ignored; one of class -1 for every class.

    Args:
        predictions: Given boxes, one entry a picture.
        truths: True boxes of the same pictures.
        names: Detection class names in id order.

    Raises:
        ValueError: The two lists differ in length.
    """
    true_rows = [
        row
        for image_id, boxes in enumerate(truths, 1)
        for row in _true_rows(boxes, image_id, len(names))
    ]
    given_rows = [
        row
        for image_id, (found, _) in enumerate(zip(predictions, truths, strict=True), 1)
        for row in _given_rows(found, image_id, len(names))
    ]
    labelled = {row['category_id'] for row in true_rows if not row['iscrowd']}
    precision = np.full((10, len(names)), -1.0)
    if labelled and given_rows:
        precision = _coco_precision(true_rows, given_rows, len(truths), len(names))
    elif labelled:
        precision[:] = 0.0
    ap: dict[str, float | None] = dict.fromkeys(names)
    ap50, ap75 = dict(ap), dict(ap)
    for class_id, name in enumerate(names):
        if class_id + 1 in labelled:
            ap[name] = float(precision[:, class_id].mean())
            ap50[name], ap75[name] = float(precision[0, class_id]), float(precision[5, class_id])
    return DetectionScore(
        map=_mean(ap.values()),
        map50=_mean(ap50.values()),
        map75=_mean(ap75.values()),
        ap=ap,
        ap50=ap50,
    )


@dataclass(slots=True, kw_only=True)
class Scorer:
    """Gathers answers and truth picture by picture.

    Attributes:
        names: Segmentation class names in id order.
        detection_names: Detection class names in id order.
        background: See ``ConfusionMatrix``.
        pictures: Pictures added so far.
    """

    names: Sequence[str]
    detection_names: Sequence[str]
    background: bool = False
    pictures: int = 0
    _matrix: ConfusionMatrix = field(init=False)
    _given: list[Detections] = field(init=False, default_factory=list)
    _true: list[Boxes] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        """Start at zero."""
        self._matrix = ConfusionMatrix(self.names, background=self.background)

    def add(
        self,
        label_map: UInt8Array,
        detections: Detections,
        *,
        truth: UInt8Array | None,
        boxes: Boxes | None,
    ) -> None:
        """Add one picture.

        Args:
            label_map: (H, W) uint8 given class ids.
            detections: Given boxes, all with score >= 0.01.
            truth: (H, W) uint8 true class ids, or None unlabelled.
            boxes: True boxes, or None unlabelled.
        """
        self.pictures += 1
        if truth is not None:
            self._matrix.update(label_map, truth)
        if boxes is not None:
            self._given.append(detections.at_least(MINIMUM_SCORE))
            self._true.append(boxes)

    def segmentation(self) -> SegmentationScore:
        """Return the IoU over all pictures with masks."""
        return self._matrix.score()

    def detection(self) -> DetectionScore:
        """Return the AP over all pictures with boxes."""
        return average_precision(self._given, self._true, self.detection_names)

    def summary(self) -> Summary:
        """Return the JSON-ready figures (see ``summarise``)."""
        return summarise(self.segmentation(), self.detection())


def summarise(segmentation: SegmentationScore | None, detection: DetectionScore | None) -> Summary:
    """Put the scores into the JSON-ready form of ``metrics``.

    Args:
        segmentation: Segmentation score, or None where nothing was compared.
        detection: Detection score, or None where nothing was compared.

    Returns:
        ``{miou, map, map50, map75, per_class: {name: {iou, ap, ap50}}}``, None without truth.
    """
    iou = {} if segmentation is None else segmentation.iou
    ap = {} if detection is None else detection.ap
    ap50 = {} if detection is None else detection.ap50
    return {
        'miou': None if segmentation is None else segmentation.miou,
        'map': None if detection is None else detection.map,
        'map50': None if detection is None else detection.map50,
        'map75': None if detection is None else detection.map75,
        'per_class': {
            name: {'iou': iou.get(name), 'ap': ap.get(name), 'ap50': ap50.get(name)}
            for name in dict.fromkeys([*iou, *ap])
        },
    }


_Row: TypeAlias = dict[str, int | float | list[float]]


def _true_rows(boxes: Boxes, image_id: int, class_count: int) -> list[_Row]:
    rows: list[_Row] = []
    for box, class_id, crowd in zip(boxes.boxes_xyxy, boxes.class_ids, boxes.crowd, strict=True):
        ids = range(class_count) if class_id < 0 and crowd else [int(class_id)]
        rows += [
            _row(box, image_id, each) | {'iscrowd': int(crowd)}
            for each in ids
            if 0 <= each < class_count
        ]
    return rows


def _given_rows(found: Detections, image_id: int, class_count: int) -> list[_Row]:
    kept = found.at_least(MINIMUM_SCORE)
    return [
        _row(box, image_id, int(class_id)) | {'score': float(score)}
        for box, score, class_id in zip(kept.boxes_xyxy, kept.scores, kept.class_ids, strict=True)
        if 0 <= class_id < class_count
    ]


def _row(box: NDArray[np.float32], image_id: int, class_id: int) -> _Row:
    left, top, right, bottom = (float(value) for value in box)
    width, height = max(right - left, 0.0), max(bottom - top, 0.0)
    return {
        'image_id': image_id,
        'category_id': class_id + 1,
        'bbox': [left, top, width, height],
        'area': width * height,
    }


def _coco_precision(
    true_rows: list[_Row], given_rows: list[_Row], image_count: int, class_count: int
) -> NDArray[np.float64]:
    """Return (10, K) AP at IoU 0.50, 0.55, ... 0.95 for every class; -1 without truth."""
    for number, row in enumerate(true_rows, 1):
        row['id'] = number  # COCO's matching takes id 0 for "no match"
    truth = COCO(
        {
            'images': [{'id': image_id} for image_id in range(1, image_count + 1)],
            'categories': [{'id': k, 'name': str(k)} for k in range(1, class_count + 1)],
            'annotations': true_rows,
        }
    )
    evaluation = COCOeval_faster(truth, truth.loadRes(given_rows), 'bbox', print_function=_quiet)
    evaluation.params.areaRng = [ANY_AREA]
    evaluation.params.areaRngLbl = ['all']
    evaluation.params.maxDets = [MAX_BOXES]
    evaluation.evaluate()
    evaluation.accumulate()
    precision = np.asarray(evaluation.eval['precision'], np.float64)  # (T, R, K, A, M)
    per_class: NDArray[np.float64] = precision.reshape(10, -1, class_count).mean(axis=1)
    return per_class


def _quiet(*_: object) -> None:
    """Swallow the evaluator's progress lines."""


def _mean(values: Iterable[float | None]) -> float | None:
    present = [value for value in values if value is not None]
    return float(np.mean(present)) if present else None
