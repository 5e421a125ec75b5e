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

"""A model against a labelled data set: mIoU, AP, each class, day and night."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from xspec_ros.core.frame import Frame, Modality
from xspec_ros.core.metrics import Scorer
from xspec_ros.core.radiometry import tone_range
from xspec_ros.core.result import Mode, Result
from xspec_ros.datasets.sample import Sample
from xspec_ros.errors import DataError

if TYPE_CHECKING:
    from xspec_ros.core.frame import PixelArray
    from xspec_ros.core.metrics import Summary
    from xspec_ros.datasets import Dataset
    from xspec_ros.perception.perception import Perception

Answer: TypeAlias = Callable[[Sample], Result]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Figures of one model on one data set.

    Attributes:
        summary: ``{miou, map, map50, map75, per_class}``, None where there is no truth.
        day: The same over pictures by day, with ``pictures``; None without such pictures.
        night: The same over pictures at night.
        pictures: Pictures that were answered.
        skipped: Pictures without the camera that the mode needs.
        scored_classes: Segmentation classes present in the truth: the ones in mIoU.
        problems: One line for every sample whose files cannot be used.
    """

    summary: Summary
    day: Summary | None
    night: Summary | None
    pictures: int
    skipped: int
    scored_classes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    def as_json(self) -> Summary:
        """Return everything as JSON-ready values."""
        return {
            **self.summary,
            'pictures': self.pictures,
            'skipped': self.skipped,
            'scored_classes': list(self.scored_classes),
            'problems': list(self.problems),
            'day': self.day,
            'night': self.night,
        }


def evaluate(
    perception: Perception,
    dataset: Dataset,
    *,
    background: bool = False,
    step: Callable[[], None] | None = None,
) -> Evaluation:
    """Evaluate an opened model on a data set.

    Args:
        perception: The model; its mode decides which cameras and boxes are used.
        dataset: Opened with the model's classes (and ``other='complement'`` for background).
        background: Count classes given on unlabelled pixels as false alarms.
        step: Called after every picture.

    Raises:
        DataError: No picture can be read that has the cameras of the mode.
        EngineError: The runtime failed.
    """
    answer = still_answer(perception)
    return score_dataset(answer, dataset, mode=perception.mode, background=background, step=step)


def score_dataset(
    answer: Answer,
    dataset: Dataset,
    *,
    mode: Mode = 'thermal',
    background: bool = False,
    step: Callable[[], None] | None = None,
) -> Evaluation:
    """Score anything that answers samples.

    Thermal and fused answers are held against the thermal boxes, RGB answers against the
    visible ones; masks of aligned pairs serve both.

    Args:
        answer: Sample in, result in pixels of the reference picture out.
        dataset: The data set, its classes those of the answers.
        mode: Which cameras are used.
        background: See ``evaluate``.
        step: Called after every picture.

    Raises:
        DataError: No picture can be read that has the cameras of the mode.
    """
    names = [label.name for label in dataset.classes]
    total, night, day = (
        Scorer(names=names, detection_names=dataset.detection_classes, background=background)
        for _ in range(3)
    )
    groups = {None: [total], True: [total, day], False: [total, night]}
    skipped = 0
    problems: list[str] = []
    for index in range(len(dataset)):
        sample = _read(dataset, index)
        if isinstance(sample, DataError):
            problems.append(sample.message)
        elif (sample.rgb if mode == 'rgb' else sample.thermal) is None:
            skipped += 1
        else:
            _add(answer(sample), sample, groups[sample.day], mode)
        if step is not None:
            step()
    if not total.pictures:
        camera = 'visible' if mode == 'rgb' else 'thermal'
        message = problems[0] if problems else f'{dataset.root} holds no {camera} picture'
        raise DataError(message, hint='choose another data set, --mode, --fold or --part')
    iou = total.segmentation().iou
    return Evaluation(
        summary=total.summary(),
        day=_summary(day),
        night=_summary(night),
        pictures=total.pictures,
        skipped=skipped,
        scored_classes=tuple(name for name, value in iou.items() if value is not None),
        problems=tuple(problems),
    )


def still_answer(perception: Perception) -> Answer:
    """Return the function that answers one still picture or pair, tone from itself alone.

    Args:
        perception: The model.
    """
    contract = perception.bundle.manifest.input.tone

    def answer(sample: Sample) -> Result:
        thermal = None if perception.mode == 'rgb' else _frame('thermal', sample.thermal)
        rgb = None if perception.mode == 'thermal' else _frame('rgb', sample.rgb)
        if thermal is not None and rgb is not None and thermal.size_hw != rgb.size_hw:
            message = f'the pair {sample.name} is not aligned: its pictures differ in size'
            raise DataError(message, hint='a fused model needs RGB on the thermal grid')
        tone = (0.0, 255.0)
        if thermal is not None:
            tone = tone_range(thermal.image, contract.low_percentile, contract.high_percentile)
        return perception.infer_frame(thermal, rgb, tone)

    return answer


def _read(dataset: Dataset, index: int) -> Sample | DataError:
    try:
        return dataset[index]
    except DataError as error:
        return error


def _frame(modality: Modality, image: PixelArray | None) -> Frame | None:
    if image is None:
        return None
    encoding = 'rgb8' if modality == 'rgb' else f'mono{8 * image.dtype.itemsize}'
    return Frame(modality=modality, stamp_ns=0, frame_id='', image=image, encoding=encoding)


def _add(result: Result, sample: Sample, scorers: list[Scorer], mode: Mode) -> None:
    """Hold one answer against its truth."""
    truth = sample.label_map
    if truth is not None and truth.shape != result.label_map.shape:
        message = f'mask of {sample.name} is {truth.shape}, the answer {result.label_map.shape}'
        raise DataError(message, hint='masks must lie on the picture that is evaluated')
    for scorer in scorers:
        scorer.add(
            result.label_map,
            result.detections,
            truth=truth,
            boxes=sample.boxes_rgb if mode == 'rgb' else sample.boxes_thermal,
        )


def _summary(scorer: Scorer) -> Summary | None:
    return {**scorer.summary(), 'pictures': scorer.pictures} if scorer.pictures else None
