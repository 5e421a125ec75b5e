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

from __future__ import annotations

import dataclasses

import pytest
import torch

from xspec_ros.errors import ConfigError, DataError
from xspec_ros.learn.batch import IGNORE, NO_BOX
from xspec_ros.learn.data.augment import PhotoArgs
from xspec_ros.learn.data.batches import augment, BatchArgs, collate
from xspec_ros.learn.data.geometry import CropArgs
from xspec_ros.learn.methods import build_method
from xspec_ros.learn.methods.method import MethodContext
from xspec_ros.learn.models import build_network

NAMES = tuple(f'class {index}' for index in range(11))


def build(**arguments):
    torch.manual_seed(0)
    network = build_network(
        'student', {'num_classes': 11, 'num_detection_classes': 3, 'width': 0.25}
    )
    context = MethodContext(
        student=network,
        modality='thermal',
        class_names=NAMES,
        detection_class_names=('person', 'bicycle', 'car'),
        steps=10,
        sibling=lambda _: network,
    )
    return build_method('supervised', arguments, context)


@pytest.fixture
def batch(picture):
    import numpy as np

    args = BatchArgs(
        seed=0,
        batch_size=2,
        crop_hw=(64, 64),
        network_hw=(64, 96),
        percentiles=(1.0, 99.0),
        crop=CropArgs(scale=(1.0, 1.0), focus=1.0),
        photo=PhotoArgs(erase=0.0),
    )
    rng = np.random.default_rng(0)
    return collate([augment(picture, args, rng) for _ in range(3)])


def without_labels(batch):
    return batch._replace(
        label_map=torch.full_like(batch.label_map, IGNORE),
        has_masks=torch.zeros_like(batch.has_masks),
        box_classes=torch.full_like(batch.box_classes, NO_BOX),
        has_boxes=torch.zeros_like(batch.has_boxes),
    )


def reached(method, name):
    found = any(
        p.grad is not None and bool(p.grad.abs().sum() > 0)
        for key, p in method.student.named_parameters()
        if key.startswith(name)
    )
    method.zero_grad(set_to_none=True)
    return found


def test_terms_sum_to_the_loss(batch):
    out = build().training_step(batch, 0)
    assert float(out.loss.detach()) == pytest.approx(float(sum(out.terms.values())), rel=1e-6)
    assert set(out.terms) == {'seg', 'complement', 'box', 'obj', 'cls'}


def test_a_batch_without_labels_teaches_nothing(batch):
    method = build()
    out = method.training_step(without_labels(batch), 0)
    out.loss.backward()
    assert float(out.loss) == 0
    assert not reached(method, '')


def test_masks_alone_leave_the_detection_head_alone(batch):
    method = build()
    masks = without_labels(batch)._replace(label_map=batch.label_map, has_masks=batch.has_masks)
    method.training_step(masks, 0).loss.backward()
    assert all(
        p.grad is None or p.grad.abs().sum() == 0 for p in method.student.detection.parameters()
    )
    assert method.student.segmentation.classifier.weight.grad.abs().sum() > 0


def test_boxes_alone_leave_the_segmentation_head_alone(batch):
    method = build()
    boxes = batch._replace(has_masks=torch.zeros_like(batch.has_masks))
    method.training_step(boxes, 0).loss.backward()
    weight = method.student.segmentation.classifier.weight
    assert weight.grad is None or weight.grad.abs().sum() == 0
    assert reached(method, 'detection')


def test_a_weight_of_zero_takes_a_term_away(batch):
    out = build(box=0.0).training_step(batch, 0)
    assert float(out.terms['box']) == 0


def test_one_picture_is_a_batch(batch):
    single = type(batch)(*(value[:1] if value is not None else None for value in batch))
    method = build().eval()  # one picture has no batch statistics at stride 32
    assert torch.isfinite(method.training_step(single, 0).loss)


def test_bf16_and_fp32_agree(batch):
    method = build().eval()
    with torch.no_grad():
        exact = method.training_step(batch, 0).loss
        with torch.autocast('cpu', dtype=torch.bfloat16):
            rounded = method.training_step(batch, 0).loss
    assert float(rounded) == pytest.approx(float(exact), rel=2e-2)


def test_an_unknown_class_weight_is_refused():
    with pytest.raises(ConfigError, match='persn'):
        build(class_weights={'persn': 2.0})


def test_an_unknown_argument_is_refused_with_the_nearest():
    with pytest.raises(ConfigError, match='box'):
        build(boxx=2.0)


def test_an_unknown_method_lists_the_known_ones():
    with pytest.raises(ConfigError, match='supervised'):
        build_method('supervized', {}, None)


def test_a_batch_of_the_wrong_modality_is_refused(batch):
    with pytest.raises(DataError, match='thermal'):
        build().training_step(batch._replace(thermal=None), 0)


def test_the_state_holds_the_student_alone():
    method = build()
    assert {key.split('.')[0] for key in method.state_dict()} == {'student'}
    assert dataclasses.is_dataclass(MethodContext)
