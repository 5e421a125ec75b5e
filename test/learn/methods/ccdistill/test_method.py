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

"""The method with its networks: what a step does."""

from __future__ import annotations

import pytest
import torch
from torch.nn.modules.batchnorm import _BatchNorm

from xspec_ros.errors import ConfigError, DataError
from xspec_ros.learn.batch import IGNORE
from xspec_ros.learn.methods.ccdistill.args import CcDistillArgs
from xspec_ros.learn.methods.ccdistill.method import CcDistill

LATE = 9  # of 10 steps: correlations have grown to their weight
TERMS = {'seg_sd', 'seg_sn', 'seg_td', 'aux', 'det', 'content', 'style'}
SILENT = {
    'source': 0.0,
    'source_night': 0.0,
    'target': 0.0,
    'content': 0.0,
    'style': 0.0,
    'aux': 0.0,
    'detection': 0.0,
}


def group(name, module):
    """Return the parameter group that a parameter of the method belongs to."""
    if name.startswith('head.'):
        return 'head classifier' if 'classifier' in name else 'h'
    if isinstance(module, _BatchNorm):
        return 'norms R' if name.startswith('rgb.') else 'norms T'
    if name.startswith('rgb.'):
        return 'stem R'  # every other weight of the branch is the student's
    if 'stem' in name:
        return 'stem T'
    parts = ('backbone', 'pyramid', 'detection', 'classifier', 'segmentation')
    return next(part for part in parts if part in name)


@pytest.fixture
def groups_reached(with_gradients):
    return lambda method: with_gradients(method, group)


def test_terms_sum_to_the_loss(build, mixed):
    out = build(self_training=1.0, confidence=0.0).training_step(mixed, LATE)
    assert out.loss.item() == pytest.approx(sum(t.item() for t in out.terms.values()), rel=1e-6)
    assert set(out.terms) == TERMS | {'self'}
    assert all(term.item() > 0 for term in out.terms.values())


DECODER = {'pyramid', 'segmentation', 'classifier'}
THERMAL = {'stem T', 'norms T', 'backbone'}
RGB = {'stem R', 'norms R', 'backbone'}


@pytest.mark.parametrize(
    ('loud', 'reached'),
    [
        ({'source': 1.0}, RGB | DECODER),
        ({'source_night': 1.0}, RGB | DECODER),
        ({'target': 1.0}, THERMAL | DECODER),
        ({'content': 1.0}, THERMAL | {'pyramid'}),
        ({'content': 1.0, 'night_match': 'none'}, THERMAL | {'pyramid'}),
        ({'content': 1.0, 'content_over': 'batch'}, THERMAL | {'pyramid'}),
        ({'content': 1.0, 'stop_source': False}, THERMAL | RGB | {'pyramid'}),
        ({'style': 1.0}, THERMAL),
        ({'style': 1.0, 'stop_source': False}, THERMAL | RGB),
        ({'aux': 0.1}, THERMAL | RGB | {'pyramid', 'h', 'head classifier'}),
        ({'self_training': 1.0, 'confidence': 0.0}, THERMAL | DECODER),
        ({'detection': 1.0}, THERMAL | {'pyramid', 'detection'}),
    ],
)
def test_every_term_reaches_exactly_its_parameters(build, mixed, groups_reached, loud, reached):
    method = build(**{**SILENT, **loud})
    method.training_step(mixed, LATE).loss.backward()
    assert groups_reached(method) == reached


def test_correlations_grow_over_the_first_steps(build, mixed):
    method = build(self_training=1.0, confidence=0.0).eval()
    first, half, late = (method.training_step(mixed, step).terms for step in (0, 1, LATE))
    for name in ('content', 'style', 'self'):
        assert first[name].item() == 0
        assert 0 < half[name].item() < late[name].item()
    assert first['seg_sd'].item() > 0


def test_labels_of_the_night_change_nothing(build, mixed):
    method = build(self_training=1.0, confidence=0.0).eval()
    dark = mixed.day == 0
    other = mixed._replace(
        label_map=torch.where(dark[:, None, None], 2, mixed.label_map),
        has_masks=torch.ones_like(mixed.has_masks),
        has_boxes=torch.ones_like(mixed.has_boxes),
        box_classes=mixed.box_classes.clamp(min=0),
    )
    assert torch.equal(
        method.training_step(mixed, LATE).loss, method.training_step(other, LATE).loss
    )


def test_labels_of_the_rgb_night_change_nothing(build, cameras):
    method = build(modality='rgb').eval()
    other = cameras._replace(
        label_map=torch.where((cameras.day == 0)[:, None, None], 2, cameras.label_map),
        has_masks=cameras.has_masks | (cameras.day == 0),
    )
    assert torch.equal(
        method.training_step(cameras, LATE).loss, method.training_step(other, LATE).loss
    )


def test_ignored_pixels_teach_nothing(build, mixed, groups_reached):
    blank = mixed._replace(
        label_map=torch.full_like(mixed.label_map, IGNORE),
        has_boxes=torch.zeros_like(mixed.has_boxes),
    )
    method = build(content=0.0, style=0.0)
    out = method.training_step(blank, LATE)
    out.loss.backward()
    assert out.loss.item() == 0
    assert groups_reached(method) == set()


def test_pictures_that_show_nothing_correlate_with_nothing(build, mixed):
    method = build()
    nothing = mixed._replace(inside=torch.zeros_like(mixed.inside))
    out = method.training_step(nothing, LATE)
    out.loss.backward()
    assert out.terms['content'].item() == out.terms['style'].item() == 0
    assert all(torch.isfinite(p.grad).all() for p in method.parameters())


@pytest.mark.parametrize('kind', ['day', 'night', 'mixed', 'single', 'unlabelled', 'unknown'])
@pytest.mark.parametrize('pairing', ['paired', 'unpaired'])
def test_any_batch_trains_and_every_parameter_has_a_gradient(
    build, pairs, night, mixed, rows, kind, pairing
):
    """Distributed training waits for each of them."""
    batch = {
        'day': pairs,
        'night': night,
        'mixed': mixed,
        'single': rows(pairs, [0]),
        'unlabelled': night._replace(day=pairs.day),
        'unknown': night._replace(day=torch.full_like(night.day, -1)),
    }[kind]
    method = build(pairing=pairing, self_training=1.0).train()
    out = method.training_step(batch, LATE)
    out.loss.backward()
    assert torch.isfinite(out.loss)
    named = {name: p for name, p in method.named_parameters() if p.requires_grad}
    assert not [name for name, p in named.items() if p.grad is None]
    assert all(torch.isfinite(p.grad).all() for p in named.values())
    assert all(torch.isfinite(value).all() for value in method.state_dict().values())
    wants = TERMS | {'self'}
    assert set(out.terms) == (wants if pairing == 'paired' else wants - {'seg_td', 'det'})
    if kind != 'mixed':
        assert out.terms['content'].item() == out.terms['style'].item() == 0


@pytest.mark.parametrize('count', [4, 3, 1])
def test_rgb_alone_trains_with_any_of_the_domains(build, cameras, rows, count):
    method = build(modality='rgb', self_training=1.0, confidence=0.0)
    out = method.training_step(rows(cameras, range(count)), LATE)
    out.loss.backward()
    assert torch.isfinite(out.loss)
    assert all(p.grad is not None for p in method.parameters() if p.requires_grad)
    assert (out.terms['content'].item() > 0) is (count == 4)
    assert method.rgb is None
    assert 'seg_td' not in out.terms


def test_day_and_night_of_unequal_number_are_matched(build, pairs, night, rows, together):
    batch = together(rows(pairs, [0]), rows(night, [1, 2, 3]))
    out = build().training_step(batch, LATE)
    assert out.terms['style'].item() > 0
    assert out.terms['content'].item() > 0


@pytest.mark.parametrize('arguments', [{}, {'night_match': 'none'}, {'content_over': 'batch'}])
def test_order_of_the_batch_does_not_matter(build, mixed, rows, arguments):
    method = build(self_training=1.0, confidence=0.0, **arguments).eval()
    there = method.training_step(mixed, LATE)
    back = method.training_step(rows(mixed, [3, 1, 0, 2]), LATE)
    for name, term in there.terms.items():
        assert torch.allclose(term, back.terms[name], rtol=1e-4), name


def test_a_pass_of_one_camera_leaves_the_norms_of_the_other_alone(build, mixed, night):
    method = build().train()
    before = {k: v.clone() for k, v in method.rgb.state_dict().items() if 'running' in k}
    method.training_step(night, 0)
    assert all(torch.equal(v, method.rgb.state_dict()[k]) for k, v in before.items())
    method.training_step(mixed, 0)
    assert not any(torch.equal(v, method.rgb.state_dict()[k]) for k, v in before.items())


def test_without_its_weight_the_detection_head_stands_still(build, mixed):
    method = build(detection=0.0)
    assert 'det' not in method.training_step(mixed, LATE).terms
    assert not any(p.requires_grad for p in method.student.detection.parameters())
    assert not any(p.requires_grad for p in build(aux=0.0).head.parameters())


def test_there_is_no_average_without_self_training(build, mixed):
    method = build()
    assert method.average is None
    assert not any(name.startswith('average') for name in method.state_dict())
    assert 'self' not in method.training_step(mixed, LATE).terms


def test_unsure_answers_of_the_average_teach_nothing(build, mixed):
    out = build(self_training=1.0, confidence=1.0).training_step(mixed, LATE)
    assert out.terms['self'].item() == 0


def test_bf16_and_fp32_agree(build, mixed):
    method = build(self_training=1.0, confidence=0.0).eval()
    with torch.no_grad():
        exact = method.training_step(mixed, LATE).loss
        with torch.autocast('cpu', dtype=torch.bfloat16):
            rounded = method.training_step(mixed, LATE).loss
    assert rounded.item() == pytest.approx(exact.item(), rel=1e-2)


@pytest.mark.usefixtures('shallow_encoders')
@pytest.mark.parametrize('encoder', ['mit_b0', 'resnet50'])
def test_larger_encoders_make_a_step(build, mixed, groups_reached, encoder):
    pytest.importorskip('transformers')
    method = build(encoder=encoder)
    method.training_step(mixed, LATE).loss.backward()
    reached = groups_reached(method)
    assert {'norms R', 'norms T', 'backbone', 'pyramid', 'classifier', 'h'} <= reached


@pytest.mark.parametrize(
    ('modality', 'missing'), [('thermal', 'rgb'), ('thermal', 'thermal'), ('rgb', 'rgb')]
)
def test_a_batch_without_its_pictures_is_refused(build, pairs, modality, missing):
    with pytest.raises(DataError, match='pair 0/0'):
        build(modality=modality).training_step(pairs._replace(**{missing: None}), 0)


def test_what_it_cannot_train_is_refused(build, context):
    with pytest.raises(ConfigError, match='FusionNetwork'):
        CcDistill(context('fusion'), CcDistillArgs())
    with pytest.raises(ConfigError, match='persn'):
        build(class_weights={'persn': 2.0})
