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

"""The evaluator node: the answers to a bag that is played, judged by the truth in the bag."""

from __future__ import annotations

from copy import copy
from functools import partial
from pathlib import Path
import signal
import sys
from threading import Event
from time import perf_counter_ns
from typing import TYPE_CHECKING

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.clock import Clock, ClockType
from rclpy.logging import get_logger
from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image
from vision_msgs.msg import Detection2DArray, LabelInfo

from xspec_ros.bag.evaluate_results import evaluate_results, EvaluationJob, prepare
from xspec_ros.bag.heard import AnswerRecorder
from xspec_ros.bag.outcome import NOTHING, RESULTS
from xspec_ros.errors import ConfigError, XspecError
from xspec_ros.messages.topics import (
    COMPRESSED_TYPE,
    CONFIDENCE,
    DETECTIONS,
    DETECTIONS_TYPE,
    DIAGNOSTICS,
    DIAGNOSTICS_TYPE,
    IMAGE_TYPE,
    LABEL_INFO,
    LABEL_INFO_TYPE,
    SEGMENTATION,
)
from xspec_ros.nodes.evaluator_settings import EvaluatorSettings
from xspec_ros.nodes.parameters import declare_parameters, read_parameters, relative
from xspec_ros.nodes.qos import LATCHED, LIST, profile, SENSOR
from xspec_ros.nodes.running import run_node

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xspec_ros.bag.outcome import ReplayOutcome

NAME = 'evaluator'
READY = 'perception is active: play the bag'  # replay_eval.launch.py waits for it
LOOK_EVERY_S = 0.25
ANSWERS = profile(depth=100)  # an answer lost here would be one that perception gave
HEARD = (
    (SEGMENTATION, IMAGE_TYPE, Image, ANSWERS),
    (CONFIDENCE, IMAGE_TYPE, Image, ANSWERS),
    (DETECTIONS, DETECTIONS_TYPE, Detection2DArray, ANSWERS),
    (LABEL_INFO, LABEL_INFO_TYPE, LabelInfo, LATCHED),
    (DIAGNOSTICS, DIAGNOSTICS_TYPE, DiagnosticArray, LIST),
)
PICTURES = {IMAGE_TYPE: Image, COMPRESSED_TYPE: CompressedImage}


class EvaluatorNode(Node):
    """Writes down what perception answers, until every frame of the bag is accounted for.

    Args:
        cli_args: ROS arguments of this node alone, on top of the process's.

    Attributes:
        ended: Set when all is heard, or nothing for too long.
        exit_code: That of the listening; judging comes after it.
        job: What to evaluate.
        recorder: What is heard.

    Raises:
        XspecError: Bag, topic, model, folder or a parameter is not as it should be.
    """

    def __init__(self, cli_args: Sequence[str] | None = None) -> None:
        super().__init__(NAME, cli_args=cli_args)
        declare_parameters(self, EvaluatorSettings)
        settings = read_parameters(self, EvaluatorSettings)
        self.ended = Event()
        self.exit_code = 0
        self.job = self._job(settings)
        inputs, frames = prepare(self.job)
        node = self.resolve_topic_name(relative(SEGMENTATION)).rpartition('/')[0].lstrip('/')
        self.recorder = AnswerRecorder(self.job.out / RESULTS, frames, node=node)
        self._timeout_ns = round(settings.timeout_s * 1e9)
        self._started_ns = perf_counter_ns()
        self._told = False
        for topic, type_name, kind, qos in HEARD:
            name = topic if topic == DIAGNOSTICS else relative(topic)
            take = partial(self._take, topic, type_name)
            self.create_subscription(kind, name, take, copy(qos), raw=True)
        for topic, (modality, type_name) in inputs.cameras.items():
            if modality == self.job.reference:
                kind = PICTURES[type_name]
                self.create_subscription(kind, topic, self._see, copy(SENSOR), raw=True)
        self.create_timer(LOOK_EVERY_S, self._look, clock=Clock(clock_type=ClockType.STEADY_TIME))
        self.get_logger().info(f'{frames.messages} frames in {self.job.bag}')

    def close(self) -> None:
        """Finish ``results.mcap``."""
        self.recorder.close()

    def _job(self, settings: EvaluatorSettings) -> EvaluationJob:
        if not settings.bag:
            message = 'parameter bag is empty'
            raise ConfigError(message, hint='give the bag that is played: -p bag:=drive.mcap')
        bag = Path(settings.bag)
        name = bag.resolve().name.removesuffix('.mcap')
        return EvaluationJob(
            bag=bag,
            out=Path(settings.out or f'{name}_live'),
            model=settings.model,
            mode=settings.mode,
            rgb=self.resolve_topic_name(settings.rgb.topic),
            thermal=self.resolve_topic_name(settings.thermal.topic),
            score_threshold=settings.score_threshold,
            rate=settings.rate,
            report=settings.report,
        )

    def _see(self, cdr: bytes) -> None:
        self.recorder.see(cdr, perf_counter_ns())

    def _take(self, topic: str, type_name: str, cdr: bytes) -> None:
        self.recorder.take(topic, type_name, cdr, perf_counter_ns())

    def _look(self) -> None:
        """Tell when the bag can be played; end when all is heard, or nothing for too long."""
        if self.recorder.active and not self._told:
            self._told = True
            self.get_logger().info(READY)
        silent_ns = perf_counter_ns() - max(self.recorder.last_ns, self._started_ns)
        if self.recorder.complete:
            self.get_logger().info('every frame is accounted for')
            self.ended.set()
        elif silent_ns > self._timeout_ns:
            cause = 'nothing more comes' if self.recorder.active else 'perception is not active'
            self.get_logger().error(f'{cause}: ends after {silent_ns / 1e9:.0f} s of silence')
            self.ended.set()


def evaluate(node: EvaluatorNode) -> int:
    """Judge what a node has heard; ROS has ended by now.

    Returns:
        The exit status: 0 all was evaluated, 1 a part, 2 nothing.
    """
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # SIGINT, which launch repeats, stays deaf
    logger = get_logger(NAME)
    logger.info('judging')
    try:
        outcome = evaluate_results(node.job, node.recorder.heard())
    except XspecError as error:
        logger.error(str(error))
        return NOTHING
    if node.recorder.error is not None:
        outcome.error = outcome.error or node.recorder.error
    for text in (*outcome.problems, *([str(outcome.error)] if outcome.error else [])):
        logger.warning(text)
    logger.info(told(outcome))
    return outcome.exit_code


def told(outcome: ReplayOutcome) -> str:
    """Return the figures as one line."""
    summary = outcome.summary
    metrics = summary['metrics']
    figures = metrics if isinstance(metrics, dict) else {}
    scores = [
        f'{name} {figures[key]:.4f}'
        for key, name in (('miou', 'mIoU'), ('map50', 'mAP50'), ('map', 'mAP'))
        if figures.get(key) is not None
    ]
    counts = [f'{summary[key]} {key}' for key in ('answered', 'dropped', 'rejected', 'missing')]
    return f'{", ".join([*counts, *scores])}; written: {summary["out"]}'


def main() -> int:
    """Run the node as a process, then judge."""
    made: list[EvaluatorNode] = []

    def make() -> EvaluatorNode:
        made.append(EvaluatorNode())
        return made[0]

    code = run_node(make)
    return evaluate(made[0]) if made else code


if __name__ == '__main__':
    sys.exit(main())
