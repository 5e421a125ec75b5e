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

"""Answers against the truth, one by one."""

from __future__ import annotations

import numpy as np
import pytest

from xspec_ros.bag.inputs import choose_inputs
from xspec_ros.bag.judging import Judge
from xspec_ros.bag.reader import BagReader
from xspec_ros.bundle.store import open_bundle
from xspec_ros.core.result import Detections, Result
from xspec_ros.perception.settings import InputSettings

CAMERAS = {'rgb': InputSettings(), 'thermal': InputSettings()}


@pytest.fixture
def judge(tiny_bundle):
    return Judge(open_bundle(tiny_bundle).manifest, score_threshold=0.5)


@pytest.fixture
def answer_as_labelled(samples):
    """Return a function that answers a sample with its own labels, one weak box beside."""

    def answer(index, stamp_ns):
        boxes = samples[index].boxes_thermal
        found = Detections(
            boxes_xyxy=np.concatenate([boxes.boxes_xyxy, [[0, 0, 3, 3]]]).astype(np.float32),
            scores=np.array([0.9, 0.1], np.float32),
            class_ids=np.concatenate([boxes.class_ids, [0]]).astype(np.int32),
        )
        label_map = samples[index].label_map
        return Result(
            stamp_ns=stamp_ns,
            frame_id='t',
            label_map=label_map,
            confidence=np.full_like(label_map, 51),
            detections=found,
            mode='thermal',
        )

    return answer


def test_perfect_answers_have_perfect_figures(judge, answer_as_labelled, bag, thermal_stamps):
    with BagReader(bag) as reader:
        judge.read_truth(reader, choose_inputs(reader, CAMERAS, needed=()))
    notes = [
        judge.add(answer_as_labelled(index, stamp), 0.1 * index, total_ms=7.0)
        for index, stamp in enumerate(thermal_stamps(bag))
    ]
    assert (judge.judged, len(notes)) == (6, 6)
    metrics = judge.metrics()
    assert metrics['miou'] == 1.0
    assert metrics['map50'] == pytest.approx(1.0)
    note = notes[1]
    assert (note.outcome, note.detections, note.score, note.total_ms) == ('answered', 1, 1.0, 7.0)
    assert note.confidence == pytest.approx(0.2)


def test_an_answer_without_truth_is_noted_and_not_judged(judge, answer_as_labelled):
    note = judge.add(answer_as_labelled(0, 12345), 0.0, total_ms=1.0)
    assert (note.stamp_ns, note.score, judge.judged) == (12345, None, 0)
    assert judge.metrics()['miou'] is None


def test_the_models_own_threshold_holds_unless_one_is_given(judge, tiny_bundle):
    manifest = open_bundle(tiny_bundle).manifest
    assert Judge(manifest).score_threshold == manifest.thresholds.score
    assert judge.score_threshold == 0.5
