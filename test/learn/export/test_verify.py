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

"""What counts as the same answer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from xspec_ros.bundle.store import open_bundle
from xspec_ros.core.truth import Boxes
from xspec_ros.engines.engine import GraphOutput
from xspec_ros.errors import DataError
from xspec_ros.learn.export.frames import FrameSet, LabelledFrame
from xspec_ros.learn.export.verify import compare, score, verify_bundle


@pytest.fixture
def answer():
    """Three boxes, the rest of the list unused."""
    boxes = np.zeros((100, 4), np.float32)
    boxes[:3] = [[0, 0, 20, 20], [40, 40, 60, 70], [5, 50, 30, 90]]
    scores = np.zeros(100, np.float32)
    scores[:3] = [0.9, 0.5, 0.4995]
    return GraphOutput(
        labels=np.zeros((100, 100), np.uint8),
        confidence=np.zeros((100, 100), np.uint8),
        boxes_xyxy=boxes,
        scores=scores,
        classes=np.zeros(100, np.int32),
    )


def change(answer, row, box=None, score=None, label=None):
    boxes, scores, classes = (
        answer.boxes_xyxy.copy(),
        answer.scores.copy(),
        answer.classes.copy(),
    )
    boxes[row] = boxes[row] if box is None else box
    scores[row] = scores[row] if score is None else score
    classes[row] = classes[row] if label is None else label
    return replace(answer, boxes_xyxy=boxes, scores=scores, classes=classes)


def test_an_answer_agrees_with_itself(answer):
    agreement = compare([answer, answer], [answer, answer])
    assert agreement.ok
    assert (agreement.labels, agreement.box_px, agreement.frames) == (1.0, 0.0, 2)


def test_rows_swapped_by_a_near_tie_agree(answer):
    order = np.array([0, 2, 1, *range(3, 100)])
    swapped = replace(answer, boxes_xyxy=answer.boxes_xyxy[order], scores=answer.scores[order])
    assert compare([answer], [swapped]).ok


def test_one_pixel_in_a_thousand_is_the_limit(answer):
    labels = answer.labels.copy()
    labels.reshape(-1)[:10] = 1
    assert compare([answer], [replace(answer, labels=labels)]).ok
    labels.reshape(-1)[:11] = 1
    assert not compare([answer], [replace(answer, labels=labels)]).ok


def test_a_moved_box_fails_by_its_largest_corner_distance(answer):
    moved = change(answer, 0, box=[0, 0, 20, 20.6])
    agreement = compare([answer], [moved])
    assert agreement.box_px == pytest.approx(0.6)
    assert not agreement.ok


def test_a_box_on_one_side_only_fails(answer):
    lone = change(answer, 3, box=[70, 70, 90, 90], score=0.3)
    assert compare([answer], [lone]).unmatched == 1
    assert not compare([lone], [answer]).ok


def test_another_class_is_another_box(answer):
    assert not compare([answer], [change(answer, 0, label=1)]).ok


def test_a_box_at_the_score_floor_may_be_on_one_side_only(answer):
    assert compare([answer], [change(answer, 3, box=[70, 70, 90, 90], score=0.0111)]).ok


def test_boxes_without_area_match_themselves(answer):
    assert compare(*[[change(answer, 0, box=[10, 0, 10, 0])]] * 2).ok


def test_engines_are_verified_on_the_frames_given(tiny_bundle):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (96, 128)).astype(np.uint8)
    frame = LabelledFrame(image=image, tone=(10.0, 200.0))
    frames = FrameSet(frames=(frame,), origin='noise')
    seen = verify_bundle(open_bundle(tiny_bundle), frames)['fp32']
    assert set(seen) >= {'onnxruntime', 'torch'}
    assert all(verified.ok for verified in seen.values())
    assert seen['torch'].label_agreement == 1.0
    assert seen['torch'].data == 'noise'


def test_figures_are_points_of_the_labelled_frames(tiny_bundle, answer):
    image = np.zeros((100, 100), np.uint8)
    boxes = Boxes.of([[0, 0, 20, 20]], [0])
    frame = LabelledFrame(image=image, tone=(0.0, 1.0), label_map=image, boxes=boxes)
    figures = score(open_bundle(tiny_bundle), [answer], [frame])
    assert figures.miou == pytest.approx(100.0)
    assert figures.map50 == pytest.approx(100.0)
    bare = score(open_bundle(tiny_bundle), [answer], [replace(frame, label_map=None, boxes=None)])
    assert bare.miou is None
    assert bare.map50 is None


def test_pixel_bytes_are_little_endian():
    frame = LabelledFrame(image=np.array([[258]], '>u2'), tone=(0.0, 1.0))
    assert frame.pixel_bytes.tolist() == [[[2, 1]]]
    eight = LabelledFrame(image=np.array([[7]], np.uint8), tone=(0.0, 1.0))
    assert eight.pixel_bytes.tolist() == [[[7]]]


def test_a_fused_bundle_is_judged_by_the_worst_of_its_graphs(fused_bundle):
    rng = np.random.default_rng(0)
    pair = LabelledFrame(
        image=rng.integers(0, 256, (48, 64)).astype(np.uint8),
        rgb=rng.integers(0, 256, (48, 64, 3)).astype(np.uint8),
        tone=(0.0, 255.0),
    )
    alone = replace(pair, rgb=None)
    frames = FrameSet(frames=(pair, alone), origin='noise')
    seen = verify_bundle(open_bundle(fused_bundle), frames)
    assert seen['fp32']['torch'].label_agreement == 1.0
    assert seen['fp32']['onnxruntime'].frames == 4  # two thermal, one fused, one RGB
    assert seen['fp32']['onnxruntime'].ok


def test_frames_without_the_camera_of_a_mode_are_an_error_that_names_it():
    frames = FrameSet(
        frames=(LabelledFrame(image=np.zeros((4, 4), np.uint8), tone=(0.0, 1.0)),), origin='mine'
    )
    assert len(frames.of_mode('thermal')) == 1
    for mode in ('fused', 'rgb'):
        with pytest.raises(DataError, match=f'mine has no picture for mode {mode}'):
            frames.of_mode(mode)
