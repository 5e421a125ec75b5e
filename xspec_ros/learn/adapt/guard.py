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

"""The frames kept aside, the guard set and the teacher: what a network is measured on."""

from __future__ import annotations

from dataclasses import dataclass
import time
from typing import cast, TYPE_CHECKING

import numpy as np
import torch

from xspec_ros.core.result import Detections
from xspec_ros.learn.adapt.consistency import (
    count_equal,
    count_matches,
    disturbed,
    mirrored,
    Motion,
)
from xspec_ros.learn.adapt.tally import Answer, Tally
from xspec_ros.learn.data.views import PictureView
from xspec_ros.learn.models import graphs
from xspec_ros.learn.models.deploy import detect, label_pixels, LABEL_STRIDE
from xspec_ros.learn.train.validate import evaluate, forward

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from torch import nn

    from xspec_ros.core.frame import UInt8Array
    from xspec_ros.learn.adapt.figures import Figures
    from xspec_ros.learn.adapt.tally import Contract
    from xspec_ros.learn.data.picture import Picture, PictureSet
    from xspec_ros.learn.models.student import StudentOutput
    from xspec_ros.learn.train.networks import OpenedNetwork

MANY_BOXES = 200  # with fewer, one box is worth more than a tenth of a point of the mean


@dataclass(frozen=True, slots=True, kw_only=True)
class Aside:
    """One frame kept aside.

    Attributes:
        picture: The frame, with RGB on its grid where that is used.
        follower: The same scene a moment later, where there is one.
    """

    picture: Picture
    follower: Picture | None = None


class Gauge:
    """Measures networks of one kind on the same frames.

    Args:
        aside: Frames kept aside.
        contract: What the networks take and answer.
        guard: Labelled pictures, where there are some.
        look_frames: Pictures that ``judge`` measures on.
    """

    def __init__(
        self,
        aside: Sequence[Aside],
        contract: Contract,
        *,
        guard: PictureSet | None = None,
        look_frames: int = 24,
    ) -> None:
        self._contract, self._guard, self._most = contract, guard, look_frames
        self._box_weight = 1.0
        self.answer_s, self.source_boxes = 0.0, 0
        rows, columns = contract.preparation.network_hw
        self._label_hw = rows // LABEL_STRIDE, columns // LABEL_STRIDE
        self._frames = [_Frame(self, number, each) for number, each in enumerate(aside)]

    def ask_teacher(self, teacher: OpenedNetwork) -> int:
        """Let an RGB teacher label the frames kept aside that have RGB by day.

        Returns:
            How many it labelled.
        """
        preparation = teacher.preparation('rgb')
        taught = 0
        for frame in self._frames:
            if frame.picture.rgb is None or frame.picture.day is not True:
                continue
            output = forward(teacher.network, frame.picture, preparation)
            frame.taught = self._labels(output.seg_logits.float(), teacher.network_hw)
            frame.valid = self._valid(frame.picture)
            taught += 1
        return taught

    def remember(self, network: nn.Module) -> None:
        """Take a network's labels as those that others are held against: the source model's.

        ``source_boxes``, how many boxes it finds, tells how much a figure of boxes can be worth
        on these frames; ``answer_s`` is the median of the seconds that its answers take.
        """
        seconds = []
        self.source_boxes = 0
        for frame in self._frames:
            began = time.monotonic()
            answer = self._answer(network, frame.image)
            seconds.append(time.monotonic() - began)
            frame.source = answer.label_map
            self.source_boxes += len(answer.boxes)
        self._box_weight = min(1.0, self.source_boxes / MANY_BOXES)
        self.answer_s = float(np.median(seconds))

    def measure(self, network: nn.Module, step: Callable[[], None] = lambda: None) -> Figures:
        """Measure everything.

        Args:
            network: In evaluation mode.
            step: Called after every frame kept aside.
        """
        return self._measure(network, self._frames, self._guard, step)

    def judge(self, network: nn.Module) -> float | None:
        """Return the one number that weights are chosen by, on a part of the pictures."""
        if self._guard is not None:
            places = _places(len(self._guard), self._most)
            some = PictureView(self._guard, places, lambda _, picture: picture, {})
            return self._measure(network, [], some).value()
        frames = [self._frames[place] for place in _places(len(self._frames), self._most)]
        return self._measure(network, frames, None).value()

    def count_answers(self) -> tuple[int, int]:
        """Return how often ``measure`` and ``judge`` ask a network."""
        own = [3 + (frame.later is not None) for frame in self._frames]
        guard = 0 if self._guard is None else len(self._guard)
        if guard:
            return sum(own) + guard, min(self._most, guard)
        return sum(own), sum(own[place] for place in _places(len(own), self._most))

    def prepared(self, picture: Picture) -> torch.Tensor:
        """Return (1, 1, H, W) float32 in [0, 1], as the network takes it."""
        return self._contract.preparation.tensors(picture)[0]

    @property
    def label_hw(self) -> tuple[int, int]:
        """Rows and columns of the label maps that are compared."""
        return self._label_hw

    def _measure(
        self,
        network: nn.Module,
        frames: Sequence[_Frame],
        guard: PictureSet | None,
        step: Callable[[], None] = lambda: None,
    ) -> Figures:
        contract, tally = self._contract, Tally(classes=len(self._contract.class_names))
        for frame in frames:
            self._add(network, frame, tally)
            step()
        labelled: dict[str, object] = {}
        if guard is not None:
            labelled = evaluate(
                network,
                [guard],
                contract.preparation,
                class_names=contract.class_names,
                detection_class_names=contract.detection_class_names,
            )
        return tally.figures(contract, labelled, self._box_weight)

    def _add(self, network: nn.Module, frame: _Frame, tally: Tally) -> None:
        """Count everything that one frame tells."""
        own = self._answer(network, frame.image)
        flipped = self._answer(network, frame.image.flip(-1))
        gained = self._answer(network, disturbed(frame.image, frame.number))
        back = mirrored(flipped.boxes, self._contract.preparation.network_hw[1])
        tally.flip.add(count_equal(own.label_map, flipped.label_map[:, ::-1]))
        tally.gain.add(count_equal(own.label_map, gained.label_map))
        tally.boxes.add((2 * count_matches(own.boxes, back), len(own.boxes) + len(back)))
        if frame.motion is not None and frame.later is not None:
            later = frame.motion.back(self._answer(network, frame.later).label_map)
            tally.temporal.add(count_equal(own.label_map, later, frame.motion.followed))
            tally.followed += 1
        if frame.taught is not None:
            tally.teacher.add(count_equal(own.label_map, frame.taught, frame.valid))
            tally.taught += 1
        if frame.source is not None:
            tally.source.add(count_equal(own.label_map, frame.source))
        tally.count(own)

    @torch.no_grad()
    def _answer(self, network: nn.Module, image: torch.Tensor) -> Answer:
        """Run one prepared picture; boxes are in pixels of the network's input."""
        rows, columns = self._contract.preparation.network_hw
        graph = graphs(network, 'thermal')['thermal']
        device = next((weight.device for weight in graph.parameters()), torch.device('cpu'))
        given = image.to(device).contiguous(memory_format=torch.channels_last)
        output = cast('StudentOutput', graph(given))
        found = detect(output.det, (rows, columns), rows, columns)
        boxes, scores, classes = (tensor[0].cpu().numpy() for tensor in found)
        detections = Detections(boxes_xyxy=boxes, scores=scores, class_ids=classes)
        return Answer(
            label_map=self._labels(output.seg_logits.float(), (rows, columns)),
            boxes=detections.at_least(self._contract.score),
        )

    def _labels(self, logits: torch.Tensor, network_hw: tuple[int, int]) -> UInt8Array:
        """Return (h, w) uint8 as the deployed graph decides them."""
        labels = label_pixels(logits, network_hw, *self._label_hw)
        return np.ascontiguousarray(labels[0].cpu().numpy())

    def _valid(self, picture: Picture) -> NDArray[np.bool_] | None:
        if picture.rgb_valid is None:
            return None
        height, width = self._label_hw
        rows = (np.arange(height) * 2 + 1) * picture.rgb_valid.shape[0] // (2 * height)
        columns = (np.arange(width) * 2 + 1) * picture.rgb_valid.shape[1] // (2 * width)
        return np.asarray(picture.rgb_valid[np.ix_(rows, columns)], np.bool_)


class _Frame:
    """One frame kept aside, prepared once."""

    def __init__(self, gauge: Gauge, number: int, aside: Aside) -> None:
        self.number, self.picture = number, aside.picture
        self.image = gauge.prepared(aside.picture)
        self.later: torch.Tensor | None = None
        self.motion: Motion | None = None
        self.source: UInt8Array | None = None
        self.taught: UInt8Array | None = None
        self.valid: NDArray[np.bool_] | None = None
        if aside.follower is not None:
            self.later = gauge.prepared(aside.follower)
            small = (_halved(each, gauge.label_hw) for each in (self.image, self.later))
            self.motion = Motion(*small)


def _halved(image: torch.Tensor, size_hw: tuple[int, int]) -> NDArray[np.float32]:
    """Return (h, w) float32 of (1, 1, H, W)."""
    small = torch.nn.functional.interpolate(image, size=size_hw, mode='area')
    return np.asarray(small[0, 0].numpy(), np.float32)


def _places(count: int, most: int) -> list[int]:
    """Return places of at most so many pictures, evenly spread."""
    spread = np.linspace(0, max(0, count - 1), min(count, most)).round().astype(int)
    return [int(place) for place in spread]
