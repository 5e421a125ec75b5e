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

"""A step of the method with its two networks: what each term reaches, needs and leaves alone."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
import pytest
import torch
from torch.nn.modules.batchnorm import _BatchNorm

from xspec_ros.errors import DataError
from xspec_ros.learn.batch import IGNORE
from xspec_ros.learn.methods.masked_mutual.args import MaskedMutualArgs
from xspec_ros.learn.methods.supervised.args import SupervisedArgs
from xspec_ros.learn.methods.supervised.method import Supervised

STAGE_TWO = {'stage': 2, 'prototypes': 'ema'}
SILENT = {
    'segmentation': 0.0,
    'mml': {'weight': 0.0},
    'prototype': 0.0,
    'psl_weight': 0.0,
    'box': 0.0,
    'objectness': 0.0,
    'classification': 0.0,
}


@pytest.mark.parametrize('stage', [1, 2])
def test_terms_sum_to_the_loss(build, mixed, taught, stage):
    method = taught(build(stage=stage, prototypes='ema'), mixed)
    out = method.training_step(mixed, 0)
    assert out.loss.item() == pytest.approx(sum(t.item() for t in out.terms.values()), rel=1e-6)
    both = {f'{name}{end}' for name in ('seg', 'mml', 'prototype') for end in ('', '_rgb')}
    assert set(out.terms) == both | {'box', 'obj', 'cls'} | ({'psl'} if stage == 2 else set())
    assert all(term.item() > 0 for term in out.terms.values())


RGB = {'E_R', 'D', 'norms R'}
THERMAL = {'E_T', 'D', 'norms T'}


@pytest.mark.parametrize(
    ('loud', 'reached'),
    [
        ({'segmentation': 1.0}, RGB | THERMAL | {'classifier'}),
        ({'mml': {'weight': 1.0}}, RGB | THERMAL | {'classifier'}),
        ({'prototype': 1.0}, RGB | THERMAL | {'g'}),
        ({'psl_weight': 1.0}, THERMAL | {'g'}),
        ({'psl_weight': 1.0, 'psl': 'official'}, THERMAL | {'g'}),
        ({'box': 1.0}, THERMAL | {'detection'}),
        ({'objectness': 1.0}, THERMAL | {'detection'}),
        ({'classification': 1.0}, THERMAL | {'detection'}),
    ],
)
def test_every_term_reaches_exactly_its_parameters(
    build, mixed, taught, groups_reached, loud, reached
):
    method = taught(build(**STAGE_TWO, theta_night=0.1, **{**SILENT, **loud}), mixed)
    method.training_step(mixed, 0).loss.backward()
    assert groups_reached(method) == reached


def test_two_networks_share_convolutions_and_keep_norms_and_encoders(build):
    method = build()
    shared = {id(p) for p in method.student.parameters()} & {
        id(p) for p in method.rgb.parameters()
    }
    for part in ('pyramid', 'segmentation'):
        for name, layer in getattr(method.rgb, part).named_modules():
            own = [id(p) for p in layer.parameters(recurse=False)]
            tied = not isinstance(layer, _BatchNorm)
            assert all((identity in shared) is tied for identity in own), name
    assert not any(id(p) in shared for p in method.rgb.backbone.parameters())
    assert not hasattr(method.rgb, 'detection')


def test_a_pass_of_one_camera_leaves_the_norms_of_the_other_alone(build, pairs, night):
    method = build(**STAGE_TWO).train()
    before = {k: v.clone() for k, v in method.rgb.state_dict().items() if 'running' in k}
    method.training_step(night, 0)
    assert all(torch.equal(v, method.rgb.state_dict()[k]) for k, v in before.items())
    method.training_step(pairs, 0)
    assert not all(torch.equal(v, method.rgb.state_dict()[k]) for k, v in before.items())


def test_nothing_of_the_night_is_read_but_its_thermal_picture(build, mixed, taught):
    """Not its RGB, not its labels, not its boxes."""
    method = taught(build(**STAGE_TWO), mixed).eval()
    other = mixed._replace(
        rgb=torch.where((mixed.day == 1)[:, None, None, None], mixed.rgb, torch.nan),
        label_map=torch.where((mixed.day == 1)[:, None, None], mixed.label_map, 2),
        has_masks=torch.ones_like(mixed.has_masks),
        has_boxes=torch.ones_like(mixed.has_boxes),
        box_classes=mixed.box_classes.clamp(min=0),
    )
    assert torch.equal(method.training_step(mixed, 0).loss, method.training_step(other, 0).loss)


def test_an_unknown_hour_counts_as_day_where_there_are_labels(build, pairs, rows, taught):
    method = taught(build(**STAGE_TWO), pairs).eval()
    unknown = pairs._replace(day=torch.full_like(pairs.day, -1))
    assert torch.equal(method.training_step(pairs, 0).loss, method.training_step(unknown, 0).loss)
    unlabelled = unknown._replace(has_masks=torch.zeros_like(pairs.has_masks))
    assert method.training_step(unlabelled, 0).terms['seg'].item() == 0


@pytest.mark.parametrize('kind', ['day', 'night', 'mixed', 'single', 'unlabelled'])
@pytest.mark.parametrize('stage', [1, 2])
def test_any_batch_trains_and_every_parameter_has_a_gradient(
    build, pairs, night, mixed, rows, taught, kind, stage
):
    """Distributed training waits for each of them."""
    batch = {
        'day': pairs,
        'night': night,
        'mixed': mixed,
        'single': rows(pairs, [0]),
        'unlabelled': night._replace(day=pairs.day),
    }[kind]
    method = taught(build(stage=stage, prototypes='ema'), mixed).train()
    out = method.training_step(batch, 0)
    out.loss.backward()
    assert torch.isfinite(out.loss)
    for name, parameter in method.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name


def test_a_batch_without_labels_teaches_nothing_and_leaves_prototypes_alone(
    build, night, mixed, taught, groups_reached
):
    method = taught(build(), mixed)
    kept = method.eta.clone()
    method.training_step(night, 0).loss.backward()
    method.after_step(0)
    assert groups_reached(method) == set()
    assert torch.equal(method.eta, kept)


@settings(deadline=None, max_examples=8)
@given(seed=st.integers(0, 2**31), share=st.floats(0, 1))
def test_any_pattern_of_ignored_pixels_is_survived(seed, share):
    from xspec_ros.learn.methods.masked_mutual.prototypes import Prototypes
    from xspec_ros.learn.methods.masked_mutual.terms import day_terms, View

    generator = torch.Generator().manual_seed(seed)
    views = [
        View(*(torch.randn(2, c, 4, 4, generator=generator).requires_grad_() for c in (5, 6)))
        for _ in range(2)
    ]
    truth = torch.randint(0, 5, (2, 16, 16), generator=generator)
    truth[torch.rand(2, 16, 16, generator=generator) < share] = IGNORE
    known = Prototypes(torch.eye(5, 6), torch.tensor([True, True, False, True, True]))
    terms = day_terms(*views, truth, known=known, args=MaskedMutualArgs()).terms
    sum(terms.values()).backward()
    assert all(torch.isfinite(each.logits.grad).all() for each in views)
    assert all(torch.isfinite(each.features.grad).all() for each in views)


def test_order_of_the_batch_does_not_matter(build, mixed, rows, taught):
    method = taught(build(**STAGE_TWO), mixed).eval()
    turned = taught(build(**STAGE_TWO), mixed).eval()
    there = method.training_step(mixed, 0)
    back = turned.training_step(rows(mixed, [3, 1, 0, 2]), 0)
    for name, term in there.terms.items():
        assert torch.allclose(term, back.terms[name], rtol=1e-5), name
    method.after_step(0)
    turned.after_step(0)
    assert torch.allclose(method.eta, turned.eta, atol=1e-6)


def test_logits_can_be_negative(build, pairs):
    assert build().student(pairs.thermal).seg_logits.min() < 0


def test_bf16_and_fp32_agree(build, mixed, taught):
    method = taught(build(**STAGE_TWO), mixed).eval()
    with torch.no_grad():
        exact = method.training_step(mixed, 0).loss
        with torch.autocast('cpu', dtype=torch.bfloat16):
            rounded = method.training_step(mixed, 0).loss
    assert rounded.item() == pytest.approx(exact.item(), rel=1e-2)


def test_labels_of_thermal_are_learnt_as_plain_training_learns_them(build, context, pairs):
    method = build().eval()
    supervised = Supervised(context('student'), SupervisedArgs()).eval()
    supervised.student.load_state_dict(method.student.state_dict())
    ours, theirs = (each.training_step(pairs, 0).terms for each in (method, supervised))
    for name in ('seg', 'box', 'obj', 'cls'):
        assert torch.allclose(ours[name], theirs[name], rtol=1e-5), name


def test_boxes_can_be_left_out_altogether(build, pairs):
    method = build(detection=0.0)
    before = {k: v.clone() for k, v in method.student.detection.state_dict().items()}
    out = method.training_step(pairs, 0)
    out.loss.backward()
    assert set(out.terms).isdisjoint({'box', 'obj', 'cls'})
    assert not any(p.requires_grad for p in method.student.detection.parameters())
    after = method.student.detection.state_dict()
    assert all(torch.equal(v, after[k]) for k, v in before.items())


@pytest.mark.parametrize('camera', ['thermal', 'rgb'])
def test_a_batch_without_one_camera_is_refused(build, pairs, camera):
    with pytest.raises(DataError, match='thermal or RGB'):
        build().training_step(pairs._replace(**{camera: None}), 0)
