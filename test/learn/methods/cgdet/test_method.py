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

"""The whole method on small networks: what each term reaches, needs and leaves alone."""

from __future__ import annotations

import copy

import pytest
import torch

from xspec_ros.errors import ConfigError, DataError
from xspec_ros.learn.batch import NO_BOX
from xspec_ros.learn.methods.supervised.args import SupervisedArgs
from xspec_ros.learn.methods.supervised.method import Supervised

PLAIN = {'seg', 'complement', 'box', 'obj', 'cls'}
TERMS = PLAIN | {'contrast', 'guidance'}
SILENT = {'contrast_weight': 0.0, 'guidance_weight': 0.0}
LATE = 9  # a step at which both weights are full


def test_terms_sum_to_the_loss(build, pairs):
    out = build().training_step(pairs, LATE)
    assert set(out.terms) == TERMS
    assert float(out.loss.detach()) == pytest.approx(float(sum(out.terms.values())), rel=1e-6)
    assert all(float(out.terms[name]) > 0 for name in TERMS - {'complement'})


def test_both_weights_grow_from_nothing(settled, pairs):
    method = settled(steps=200)
    at = [method.training_step(pairs, step).terms for step in (0, 5, 10, 150)]
    for name in ('contrast', 'guidance'):
        assert float(at[0][name]) == 0
    guidance = [float(terms['guidance']) for terms in at]
    assert guidance[1] == pytest.approx(guidance[3] / 2, rel=1e-5)
    assert guidance[2] == pytest.approx(guidance[3], rel=1e-5)


@pytest.mark.parametrize('queue', [0, 4])
def test_without_its_terms_the_method_is_supervised_training_bit_by_bit(
    build, context, pairs, queue, optimise, same
):
    method = build(queue=queue, **SILENT)
    ours, random = optimise(method, pairs, 3), torch.get_rng_state()
    supervised = Supervised(context('student'), SupervisedArgs())
    theirs = optimise(supervised, pairs, 3)
    assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))
    assert same(method.student.state_dict(), supervised.student.state_dict())
    assert torch.equal(random, torch.get_rng_state())  # nor does it draw what dropout would
    assert set(method.training_step(pairs, LATE).terms) == PLAIN


def test_what_no_term_needs_is_neither_run_nor_trained(build, teacher, pairs):
    network = teacher()
    network.backbone.register_forward_pre_hook(lambda *_: pytest.fail('the teacher was asked'))
    method = build(network, guidance_weight=0.0)
    method.training_step(pairs, LATE)
    assert not any(p.requires_grad for p in method.adapters.parameters())
    assert not any(p.requires_grad for p in build(contrast_weight=0.0).projector.parameters())


GROUPS = ('backbone', 'pyramid', 'detection', 'segmentation', 'adapters', 'projector')


@pytest.mark.parametrize(
    ('term', 'expected'),
    [
        ('seg', {'backbone', 'pyramid', 'segmentation'}),
        ('box', {'backbone', 'pyramid', 'detection'}),
        ('obj', {'backbone', 'pyramid', 'detection'}),
        ('contrast', {'backbone', 'pyramid', 'projector'}),
        ('guidance', {'backbone', 'pyramid', 'adapters'}),
    ],
)
def test_each_term_moves_its_own_groups(build, teacher, pairs, monkeypatch, term, expected):
    from xspec_ros.learn.methods.cgdet import method as module

    def alone(terms):
        return module.StepOutput(loss=terms[term], terms=terms)

    monkeypatch.setattr(module.StepOutput, 'total', staticmethod(alone))
    network = teacher()
    method = build(network)
    method.training_step(pairs, LATE).loss.backward()
    parts = {**dict(method.student.named_children()), **dict(method.named_children())}
    moved = {
        name
        for name in GROUPS
        if any(p.grad is not None and p.grad.any() for p in parts[name].parameters())
    }
    assert moved == expected
    assert all(p.grad is None for p in network.parameters())


def test_the_teacher_stands_still_and_is_no_part_of_the_state(
    build, teacher, pairs, optimise, same
):
    network = teacher()
    before = copy.deepcopy(network.state_dict())
    method = build(network)
    method.train()
    optimise(method, pairs, 2)
    assert same(network.state_dict(), before)
    assert {name.split('.')[0] for name in method.state_dict()} == {
        'student', 'adapters', 'projector'
    }  # fmt: skip


def test_heads_begin_as_the_teachers_where_that_is_asked_for(
    build, teacher, pairs, optimise, same
):
    network = teacher()
    method, plain = build(network, inherit=True), build(network)
    theirs = copy.deepcopy(network.detection.state_dict())
    assert same(method.student.detection.state_dict(), theirs)
    assert not same(plain.student.detection.state_dict(), theirs)
    assert same(method.projector.state_dict(), build(network, inherit=True).projector.state_dict())
    method.train()
    optimise(method, pairs, 2)
    assert not same(method.student.detection.state_dict(), theirs)
    assert same(network.detection.state_dict(), theirs)


def test_inherited_heads_read_what_is_guided(build):
    features = torch.rand(1, 24, 4, 4)
    assert all(adapter(features) is features for adapter in build(inherit=True).adapters)
    assert not any(adapter(features) is features for adapter in build().adapters)


def test_no_boxes_anywhere_leave_objectness_to_train(build, pairs):
    bare = pairs._replace(box_classes=torch.full_like(pairs.box_classes, NO_BOX))
    method = build(gamma=0.0)
    out = method.training_step(bare, LATE)
    out.loss.backward()
    assert torch.isfinite(out.loss)
    assert float(out.terms['contrast']) == float(out.terms['guidance']) == 0
    assert float(out.terms['obj']) > 0
    assert method.student.detection.obj_out[0].weight.grad.any()


def test_a_batch_of_the_night_is_not_guided_and_the_teacher_not_asked(build, teacher, pairs):
    network = teacher()
    method = build(network)
    network.backbone.register_forward_pre_hook(lambda *_: pytest.fail('the teacher was asked'))
    dark = pairs._replace(day=torch.zeros_like(pairs.day))  # boxes of the night there are
    out = method.training_step(dark, LATE)
    assert float(out.terms['guidance']) == 0
    assert float(out.terms['contrast']) > 0
    assert float(method.training_step(pairs._replace(rgb=None), LATE).terms['guidance']) == 0


def test_night_pictures_drop_out_of_the_guidance_exactly(settled, pairs, mixed, rows):
    method = settled()
    whole = method.training_step(mixed, LATE).terms
    dark = mixed._replace(rgb=torch.where(mixed.day[:, None, None, None] == 0, 0.9, mixed.rgb))
    assert torch.equal(method.training_step(dark, LATE).terms['guidance'], whole['guidance'])
    alone = method.training_step(rows(pairs, [0, 2]), LATE).terms
    assert float(whole['guidance']) == pytest.approx(float(alone['guidance']), rel=1e-5)


@pytest.mark.parametrize(
    'arguments',
    [
        {},
        {'queue': 4, 'background': 3},
        {'night_score': 0.0, 'night_ignore': 0.0},
        {'contrast_weight': 0.0},
        {'guidance_weight': 0.0},
        {'guidance': 'l1_cosine', 'levels': 'all', 'projector': 'linear'},
        {'inherit': True},
    ],
)
def test_every_trained_parameter_is_used_by_day_and_by_night(build, pairs, night, arguments):
    method = build(**arguments)
    for batch in (pairs, night):
        method.training_step(batch, LATE).loss.backward()
        idle = [n for n, p in method.named_parameters() if p.requires_grad and p.grad is None]
        assert idle == []
        assert all(p.grad.isfinite().all() for p in method.parameters() if p.grad is not None)
        method.zero_grad(set_to_none=True)


def test_the_order_of_pictures_does_not_matter(settled, mixed, pairs, rows):
    for batch in (pairs, mixed):
        method = settled(background=2)
        there = method.training_step(batch, LATE).terms
        back = method.training_step(rows(batch, [2, 0, 3, 1]), LATE).terms
        for name in TERMS:
            assert float(there[name]) == pytest.approx(float(back[name]), rel=1e-4), name


def test_labels_of_nothing_teach_nothing(build, night):
    method = build(gamma=1.0)
    blank = night._replace(inside=torch.zeros_like(night.inside), day=torch.ones_like(night.day))
    out = method.training_step(blank, LATE)
    out.loss.backward()
    assert float(out.loss.detach()) == 0
    assert not any(p.grad is not None and p.grad.any() for p in method.parameters())


def test_one_pair_is_a_batch(build, pairs, rows):
    assert torch.isfinite(build().training_step(rows(pairs, [1]), LATE).loss)


def test_bf16_and_fp32_agree(settled, pairs):
    """With the cosine: features of an untrained network correlate with their rounding by 0.6."""
    method = settled(guidance='cosine', guidance_weight=1.0)
    with torch.no_grad():
        exact = method.training_step(pairs, LATE).loss
        with torch.autocast('cpu', dtype=torch.bfloat16):
            rounded = method.training_step(pairs, LATE).loss
    assert float(rounded) == pytest.approx(float(exact), rel=1e-2)


def test_unsure_labels_weigh_less_in_the_contrast(settled, pairs):
    method = settled()
    sure = method.training_step(pairs, LATE).terms
    scores = torch.tensor([[1.0], [0.1], [1.0], [0.1]])
    unsure = method.training_step(pairs._replace(box_scores=scores), LATE).terms
    assert float(sure['contrast']) != pytest.approx(float(unsure['contrast']), rel=1e-4)
    for name in TERMS - {'contrast'}:
        assert torch.equal(sure[name], unsure[name])
    same_scores = pairs._replace(box_scores=torch.full((4, 1), 0.3))
    weighed = method.training_step(same_scores, LATE).terms['contrast']
    assert float(weighed) == pytest.approx(float(sure['contrast']), rel=1e-5)


def test_levels_go_by_the_whole_picture_not_by_the_crop(settled, pairs):
    method = settled(gamma=0.0)
    by_crop = method.training_step(pairs, LATE).terms['guidance']
    method.network_hw = (64, 64)
    assert torch.equal(method.training_step(pairs, LATE).terms['guidance'], by_crop)
    method.network_hw = (640, 640)  # the boxes of 16 px are P3's now
    assert not torch.equal(method.training_step(pairs, LATE).terms['guidance'], by_crop)


def test_the_queue_moves_after_the_step_by_all_of_its_parts(build, pairs, rows):
    method = build(queue=8)
    method.training_step(rows(pairs, [0, 1]), LATE)
    method.training_step(rows(pairs, [2, 3]), LATE)
    assert not method.queue.pushed.any()
    method.after_step(LATE)
    assert int(method.queue.pushed.sum()) == 8
    method.after_step(LATE)
    assert int(method.queue.pushed.sum()) == 8


def test_night_boxes_come_from_the_average_late_in_the_run(build, mixed):
    method = build(steps=100, night_score=0.0, night_ignore=0.0)
    early, late = (method.training_step(mixed, step).terms for step in (29, 30))
    assert float(late['obj']) != pytest.approx(float(early['obj']), rel=1e-2)
    assert float(late['guidance']) == pytest.approx(float(early['guidance']), rel=1e-2)
    plain = build(steps=100).training_step(mixed, 30).terms
    assert float(plain['obj']) == pytest.approx(float(early['obj']), rel=1e-2)


def test_the_average_follows_the_student(build, mixed, optimise):
    method = build(night_score=0.5)
    method.train()
    optimise(method, mixed, 2)
    apart = [
        float((a - b).detach().abs().max())
        for a, b in zip(
            method.student.parameters(), method.night.network.parameters(), strict=True
        )
    ]
    assert 0 < max(apart) < 0.05
    assert not any(layer.training for layer in method.night.modules())


def test_a_batch_without_thermal_and_unknown_classes_are_refused(build, pairs):
    with pytest.raises(DataError, match='pair 0/0'):
        build().training_step(pairs._replace(thermal=None), 0)
    with pytest.raises(ConfigError, match='persn'):
        build(base={'class_weights': {'persn': 2.0}})
