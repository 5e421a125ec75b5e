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

"""Work to messages: the whole of perception, the same behind the bag, DDS and ROS doors."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from time import perf_counter_ns
from typing import TYPE_CHECKING

import numpy as np

from xspec_ros.core.health import LatencyRecorder
from xspec_ros.errors import EngineError
from xspec_ros.messages.annotations import encode_annotations, WHITE
from xspec_ros.messages.detections import encode_detections
from xspec_ros.messages.image import encode_image
from xspec_ros.messages.labels import encode_label_info
from xspec_ros.messages.topics import (
    ANNOTATIONS,
    ANNOTATIONS_TYPE,
    CONFIDENCE,
    DETECTION_ARRAY_TYPE,
    DETECTIONS,
    IMAGE_TYPE,
    LABEL_INFO,
    LABEL_INFO_TYPE,
    Outgoing,
    SEGMENTATION,
)
from xspec_ros.perception.intake import Intake, Payload, Work
from xspec_ros.perception.perception import open_perception, Perception
from xspec_ros.perception.turn import as_received, upright

if TYPE_CHECKING:
    from xspec_ros.core.frame import Modality
    from xspec_ros.core.result import Result
    from xspec_ros.perception.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """The model that answers and what goes with it; replaced as a whole, never in part.

    Attributes:
        perception: The opened model.
        score_threshold: Boxes below it are not published.
        confidence_threshold: Pixels below it become 255; 0 keeps all.
    """

    perception: Perception
    score_threshold: float
    confidence_threshold: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of one piece of work.

    Attributes:
        work: The work; its RGB frame as the model saw it, on the thermal grid where it had to be.
        result: The result, all boxes included.
        messages: Segmentation, confidence and detections, ready to send.
        serving: What answered.
    """

    work: Work
    result: Result
    messages: tuple[Outgoing, ...]
    serving: Serving


class Pipeline:
    """Bytes in, bytes out, everything counted; one thread may accept while another runs.

    Args:
        settings: Run-time parameters.
        perception: The opened model.
    """

    def __init__(self, settings: Settings, perception: Perception) -> None:
        self.settings = settings
        self.serving = serve(settings, perception)
        self.intake = Intake(settings, perception.bundle.manifest.input.tone)
        self.latency = LatencyRecorder()
        self.answered = 0
        self.rgb_alone = 0
        self.degraded: Counter[str] = Counter()
        self.detections = 0
        self.dropped: Counter[str] = Counter()
        self.swaps = 0
        self._first_ns = 0
        self._last_ns = 0

    @property
    def perception(self) -> Perception:
        """The model that answers what is accepted now."""
        return self.serving.perception

    @property
    def score_threshold(self) -> float:
        """Boxes below it are not published."""
        return self.serving.score_threshold

    @property
    def confidence_threshold(self) -> float:
        """Pixels below it become 255; 0 keeps all."""
        return self.serving.confidence_threshold

    def accept(
        self,
        source: Modality,
        type_name: str,
        cdr: Payload,
        *,
        received_ns: int,
        arrived_ns: int = 0,
    ) -> list[Work]:
        """Take one message; see ``Intake.accept``."""
        self._first_ns = self._first_ns or received_ns
        return self.intake.accept(
            source, type_name, cdr, received_ns=received_ns, arrived_ns=arrived_ns
        )

    def flush(self) -> list[Work]:
        """Return the work that waited for a partner; the stream has ended."""
        return self.intake.flush()

    def advance(self, now_stamp_ns: int) -> list[Work]:
        """Tell the time on the axis of the stamps; return the work that has waited long enough."""
        return self.intake.advance(now_stamp_ns)

    def adopt(self, perception: Perception) -> Serving:
        """Answer what is accepted from now on with another model.

        Returns:
            What served so far: it must still run the work accepted before, and be closed then.
        """
        retired = self.serving
        self.intake.retune(perception.bundle.manifest.input.tone)
        self.serving = serve(self.settings, perception)
        self.swaps += 1
        return retired

    def apply(self, settings: Settings) -> list[Work]:
        """Take changed run-time parameters; the model stays.

        Returns:
            The work that waited for a partner under the old ones.

        Raises:
            ConfigError: They do not fit together; the old ones stay in force.
        """
        ready = self.intake.apply(settings)
        self.settings = settings
        self.serving = serve(settings, self.serving.perception)
        return ready

    def restart(self, now_stamp_ns: int) -> list[Work]:
        """Begin a new epoch: the clock went back; see ``Intake.restart``."""
        return self.intake.restart(now_stamp_ns)

    def drop(self, cause: str, work: Work | None = None) -> None:
        """Count a frame that was accepted and will not be answered.

        Args:
            cause: Why.
            work: The frame; one of the other camera, which would have answered alone, is counted
                apart. None for a reference frame.
        """
        if work is None or work.reference == self.intake.reference:
            self.dropped[cause] += 1
        else:
            self.intake.counts.warnings[f'{work.reference}/{cause}'] += 1

    def run(self, work: Work, serving: Serving | None = None) -> Answer:
        """Infer and encode one piece of work, and take its times.

        Args:
            work: What was accepted.
            serving: What served when it was accepted; None for what serves now.

        Raises:
            EngineError: The engine failed; the frame is counted as dropped.
        """
        serving = serving or self.serving
        started_ns = perf_counter_ns()
        try:
            work = self._registered(work)
            result = self._infer(work, serving)
        except EngineError:
            self.drop('engine', work)
            raise
        inferred_ns = perf_counter_ns()
        messages = self._encode(result, serving)
        finished_ns = perf_counter_ns()
        self._record(work, started_ns, inferred_ns, finished_ns)
        if work.reference == self.intake.reference:
            self.answered += 1
        else:
            self.rgb_alone += 1
        if result.degraded:
            self.degraded[work.degraded] += 1
        self._last_ns = finished_ns
        return Answer(work=work, result=result, messages=messages, serving=serving)

    def latched(self) -> list[Outgoing]:
        """Return the messages that late joiners need: the label info."""
        serving = self.serving
        cdr = encode_label_info(
            serving.perception.bundle.manifest.classes,
            stamp_ns=0,
            frame_id='',
            threshold=serving.confidence_threshold,
        )
        return [
            Outgoing(
                topic=LABEL_INFO, type_name=LABEL_INFO_TYPE, cdr=cdr, stamp_ns=0, latched=True
            )
        ]

    def summary(self) -> dict[str, object]:
        """Return the counts and latencies that every door reports at the end."""
        return self.progress() | {'latency_ms': self.latency.summary()}

    def progress(self) -> dict[str, object]:
        """Return the counts so far; cheap, since no latency is sorted."""
        counts, pairing = self.intake.counts, self.intake.sync.counts
        # Copies, each made at once: another thread may be counting.
        dropped = Counter(counts.dropped) + Counter(self.dropped)
        degraded = Counter(self.degraded)
        rejected = dict(counts.rejected[self.intake.reference])
        seconds = (self._last_ns - self._first_ns) / 1e9
        return {
            'thermal': counts.received['thermal'],
            'rgb': counts.received['rgb'],
            'answered': self.answered,
            'degraded': degraded.total(),
            'degraded_by': dict(degraded),
            'rgb_alone': self.rgb_alone,
            'pairs': pairing.paired,
            'unpaired': sum(pairing.unpaired_by.values()),
            'dropped': dropped.total(),
            'dropped_by': dict(dropped),
            'rejected': sum(rejected.values()),
            'rejected_by': rejected,
            'rejected_rgb_by': dict(counts.rejected['rgb']),
            'warnings': dict(counts.warnings),
            'epochs': counts.epochs,
            'swaps': self.swaps,
            'detections': self.detections,
            'fps': round((self.answered + self.rgb_alone) / seconds, 2) if seconds > 0 else 0.0,
            'engine': self.perception.engine.name,
            'precision': self.perception.engine.precision,
            'model': self.perception.bundle.manifest.name,
        }

    def close(self) -> None:
        """Free the engines."""
        self.perception.close()

    def _registered(self, work: Work) -> Work:
        """Return the work with RGB on the thermal grid, where a thermal frame is answered."""
        rig = self.intake.rig
        if rig is None or work.rgb is None or work.reference == 'rgb':
            return work
        image, _ = rig.warp_rgb(work.rgb.image.astype(np.uint8, copy=False))
        return replace(work, rgb=replace(work.rgb, image=image))

    def _infer(self, work: Work, serving: Serving) -> Result:
        thermal_turn, rgb_turn = self.settings.thermal.rotate_deg, self.settings.rgb.rotate_deg
        on_thermal_grid = work.reference == 'thermal'
        if on_thermal_grid and self.intake.rig is not None:
            rgb_turn = thermal_turn
        result = serving.perception.infer_frame(
            upright(work.thermal, thermal_turn),
            upright(work.rgb, rgb_turn),
            work.tone,
            confidence_threshold=serving.confidence_threshold,
        )
        return as_received(result, thermal_turn if on_thermal_grid else rgb_turn)

    def _encode(self, result: Result, serving: Serving) -> tuple[Outgoing, ...]:
        stamp_ns, frame_id = result.stamp_ns, result.frame_id
        shown = result.detections.at_least(serving.score_threshold)
        self.detections += len(shown)
        names = serving.perception.bundle.manifest.detection_classes
        images = ((SEGMENTATION, result.label_map), (CONFIDENCE, result.confidence))
        messages = [
            Outgoing(
                topic=topic,
                type_name=IMAGE_TYPE,
                cdr=encode_image(image, stamp_ns=stamp_ns, frame_id=frame_id, encoding='mono8'),
                stamp_ns=stamp_ns,
            )
            for topic, image in images
        ]
        boxes = encode_detections(shown, names, stamp_ns=stamp_ns, frame_id=frame_id)
        messages.append(
            Outgoing(
                topic=DETECTIONS, type_name=DETECTION_ARRAY_TYPE, cdr=boxes, stamp_ns=stamp_ns
            )
        )
        return tuple(messages)

    def _record(self, work: Work, started_ns: int, inferred_ns: int, finished_ns: int) -> None:
        times = {
            'decode': work.decoded_ns - work.received_ns,
            'wait': started_ns - work.decoded_ns,
            'infer': inferred_ns - started_ns,
            'encode': finished_ns - inferred_ns,
            'total': finished_ns - work.received_ns,
        }
        for stage, spent_ns in times.items():
            self.latency.record(stage, spent_ns / 1e6)


def open_pipeline(settings: Settings) -> Pipeline:
    """Open the model that the settings name and put the pipeline around it."""
    perception = open_perception(
        settings.model,
        engine=settings.engine,
        mode=settings.mode,
        precision=settings.precision,
        threads=settings.threads,
    )
    return Pipeline(settings, perception)


def serve(settings: Settings, perception: Perception) -> Serving:
    """Put a model and the thresholds that hold for it together: the settings', else its own."""
    own = perception.bundle.manifest.thresholds
    score, confidence = settings.score_threshold, settings.confidence_threshold
    return Serving(
        perception=perception,
        score_threshold=own.score if score is None else score,
        confidence_threshold=own.confidence if confidence is None else confidence,
    )


def annotate(answer: Answer) -> Outgoing:
    """Return the boxes of an answer as Foxglove draws them, in the colours of their classes."""
    manifest, result = answer.serving.perception.bundle.manifest, answer.result
    colours = {label.name: label.colour for label in manifest.classes}
    cdr = encode_annotations(
        result.detections.at_least(answer.serving.score_threshold),
        manifest.detection_classes,
        stamp_ns=result.stamp_ns,
        colours=[colours.get(name, WHITE) for name in manifest.detection_classes],
    )
    return Outgoing(
        topic=ANNOTATIONS, type_name=ANNOTATIONS_TYPE, cdr=cdr, stamp_ns=result.stamp_ns
    )
