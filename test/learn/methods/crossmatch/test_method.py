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

"""The whole method on small networks: who learns from whom, and from which pictures."""

from __future__ import annotations

import copy

import pytest
import torch

from xspec_ros.errors import DataError
from xspec_ros.learn.batch import IGNORE
from xspec_ros.learn.train.recipe import TrainArgs
from xspec_ros.learn.train.schedules import build_optimizer

PIXELS = {'seg', 'seg_auxiliary', 'consistency', 'consistency_auxiliary'}
BOXES = {'box', 'obj', 'cls', 'det_auxiliary'}


def terms_of(method, batch, step, monkeypatch):
    """Return the terms of a step with their graphs."""
    from xspec_ros.learn.methods.crossmatch import method as module

    found = {}

    def keep(terms):
        found.update(terms)
        return module.StepOutput(loss=sum(terms.values()), terms=terms)

    with monkeypatch.context() as patch:
        patch.setattr(module.StepOutput, 'total', staticmethod(keep))
        method.training_step(batch, step)
    return found


def reached(method, loss):
    """Return the networks that get a gradient from a loss."""
    method.zero_grad(set_to_none=True)
    loss.backward(retain_graph=True)
    groups = {
        'N_T': (method.student.backbone, method.student.segmentation.detail),
        'classifier T': (method.student.segmentation.classifier,),
        'boxes T': (method.student.detection,),
        'N_M': (method.auxiliary.thermal.backbone, method.auxiliary.second),
        'gates': (method.auxiliary.gates,),
        'classifier M': (method.auxiliary.thermal.segmentation.classifier,),
        'boxes M': (method.auxiliary.thermal.detection,),
        'teachers': (method.teachers,),
    }
    return {
        name
        for name, modules in groups.items()
        for module in modules
        if any(p.grad is not None and bool(p.grad.any()) for p in module.parameters())
    }


def test_terms_sum_to_the_loss(crossmatch, pairs):
    out = crossmatch(diversity=0.1).training_step(pairs, 5)
    assert set(out.terms) == PIXELS | BOXES | {'diversity'}
    assert out.loss.item() == pytest.approx(float(sum(out.terms.values())), rel=1e-6)
    assert all(float(term) > 0 for term in out.terms.values())


@pytest.mark.parametrize(
    ('camera', 'auxiliary'),
    [('rgb', 'gradient'), ('rgb', 'none'), ('thermal', 'rgb')],
)
def test_every_source_and_every_second_picture(crossmatch, pairs, camera, auxiliary):
    method = crossmatch(camera, auxiliary=auxiliary)
    out = method.training_step(pairs, 5)
    expected = PIXELS | BOXES
    if auxiliary == 'none':
        expected = {name for name in PIXELS | BOXES if name in {'seg', 'box', 'obj', 'cls'}}
    assert set(out.terms) == expected
    assert float(out.terms['seg']) > 0


@pytest.mark.parametrize('auxiliary', ['gradient', 'none'])
def test_a_thermal_model_adapts_without_rgb(crossmatch, pairs, steps, auxiliary):
    method = crossmatch('thermal', auxiliary=auxiliary, gamma_end=0.3, diversity=0.01)
    losses = steps(method, pairs._replace(rgb=None), 2)
    assert all(bool(loss.isfinite()) for loss in losses)


def test_each_term_reaches_its_own_network(crossmatch, pairs, monkeypatch):
    terms = terms_of(method := crossmatch(diversity=0.1), pairs, 5, monkeypatch)
    own, other = {'N_T', 'classifier T'}, {'N_M', 'gates', 'classifier M'}
    assert reached(method, terms['seg']) == own
    assert reached(method, terms['consistency']) == own
    assert reached(method, terms['diversity']) == own
    assert reached(method, terms['seg_auxiliary']) == other
    assert reached(method, terms['consistency_auxiliary']) == other
    for name in ('box', 'obj', 'cls'):
        assert reached(method, terms[name]) == {'N_T', 'boxes T'}
    assert reached(method, terms['det_auxiliary']) == {'N_M', 'gates', 'boxes M'}


def test_a_shared_head_is_one_and_its_norms_are_two(crossmatch, pairs, steps):
    method = crossmatch(share_head=True)
    own, other = method.student, method.auxiliary.thermal
    assert own.segmentation.classifier.weight is other.segmentation.classifier.weight
    assert own.pyramid.lateral3[0].weight is other.pyramid.lateral3[0].weight
    assert own.pyramid.lateral3[1].weight is not other.pyramid.lateral3[1].weight
    kept = method.teachers.networks
    of_both = (kept['thermal'], kept['auxiliary'].thermal)
    assert of_both[0].segmentation.classifier.weight is of_both[1].segmentation.classifier.weight
    assert bool(steps(method, pairs, 1)[0].isfinite())


def test_teachers_and_source_are_not_trained(crossmatch, pairs, steps):
    method = crossmatch()
    optimizer = build_optimizer(method, TrainArgs())
    trained = {id(p) for group in optimizer.param_groups for p in group['params']}
    assert trained == {
        id(p) for p in (*method.student.parameters(), *method.auxiliary.parameters())
    }
    assert not any(layer.training for layer in method.teachers.networks.modules())
    source = method._sources[0]
    before = copy.deepcopy(source.state_dict())
    steps(method, pairs, 2)
    assert all(torch.equal(value, before[name]) for name, value in source.state_dict().items())
    names = {name.split('.')[0] for name in method.state_dict()}
    assert names == {'student', 'auxiliary', 'teachers', 'medians', 'seen', 'days'}


def test_the_weak_view_alone_moves_the_statistics_of_norms(crossmatch, pairs):
    """Teachers gather them and lend them, so that the deployed network has those of its camera."""
    method = crossmatch()
    networks = (method.student, method.auxiliary, method.teachers.networks)
    before = norms_of(networks)
    method.training_step(pairs, 5)
    during = norms_of(networks)
    method.after_step(5)
    after = norms_of(networks)
    assert all(
        torch.equal(a, b)
        for a, b in zip(before[0] + before[1], during[0] + during[1], strict=True)
    )
    assert not any(torch.equal(a, b) for a, b in zip(before[2], during[2], strict=True))
    assert all(torch.equal(a, b) for a, b in zip(during[2], after[0] + after[1], strict=True))
    seen = copy.deepcopy(method).eval()
    seen.training_step(pairs, 6)
    seen.after_step(6)
    still = norms_of((seen.student, seen.auxiliary, seen.teachers.networks))
    assert all(torch.equal(a, b) for a, b in zip(after[2], still[2], strict=True))


def test_statistics_of_norms_can_stay_the_sources(crossmatch, pairs, steps):
    method = crossmatch(norms='frozen')
    networks = (method.student, method.auxiliary, method.teachers.networks)
    before = norms_of(networks)
    losses = steps(method, pairs, 2)
    assert all(bool(loss.isfinite()) for loss in losses)
    after = norms_of(networks)
    assert all(
        torch.equal(a, b)
        for one, other in zip(before, after, strict=True)
        for a, b in zip(one, other, strict=True)
    )
    assert method.training
    norms = [m for m in method.student.modules() if hasattr(m, 'running_mean')]
    assert not any(norm.training for norm in norms)


def norms_of(networks):
    """Return copies of the running means of each network."""
    return [
        [
            layer.running_mean.clone()
            for layer in network.modules()
            if hasattr(layer, 'running_mean')
        ]
        for network in networks
    ]


def test_no_label_at_all_teaches_nothing_and_breaks_nothing(crossmatch, pairs):
    method = crossmatch(tau_max=1.0, agree_confidence=1.0, consistency=0.0, detection=0.0)
    out = method.training_step(pairs, 5)
    out.loss.backward()
    assert out.loss.item() == 0
    assert all(not p.grad.any() for p in method.parameters() if p.grad is not None)


def test_pixels_outside_the_picture_do_not_count(crossmatch, pairs):
    blank = pairs._replace(inside=torch.zeros_like(pairs.inside))
    method = crossmatch(detection=0.0, diversity=0.1)
    out = method.training_step(blank, 5)
    out.loss.backward()
    assert out.loss.item() == 0
    assert not any(p.grad.any() for p in method.parameters() if p.grad is not None)
    method.after_step(5)
    assert torch.equal(method.medians, torch.full((5,), 0.3))


def test_labels_of_the_data_are_never_read(crossmatch, pairs):
    """No label of any kind: nothing but pictures, their hour and what they show."""
    method = crossmatch(diversity=0.1).eval()
    bare = pairs._replace(
        label_map=torch.full_like(pairs.label_map, IGNORE),
        has_masks=torch.zeros_like(pairs.has_masks),
        boxes_xyxy=torch.full_like(pairs.boxes_xyxy, torch.nan),
        has_boxes=torch.zeros_like(pairs.has_boxes),
    )
    one, other = (method.training_step(batch, 5).loss for batch in (pairs, bare))
    assert torch.equal(one, other)


@pytest.mark.parametrize('camera', ['rgb', 'thermal'])
def test_at_night_the_loss_does_not_depend_on_rgb(crossmatch, night, camera):
    method = crossmatch(camera, diversity=0.1)
    other = night._replace(rgb=night.rgb.flip(0))
    one, two = (copy.deepcopy(method).training_step(batch, 5) for batch in (night, other))
    assert torch.equal(one.loss, two.loss)


def test_the_order_of_pictures_does_not_matter(crossmatch, mixed, rows):
    method = crossmatch(diversity=0.1, tau_momentum=0.5).eval()
    turned = copy.deepcopy(method)
    there = method.training_step(mixed, 5).terms
    back = turned.training_step(rows(mixed, [2, 0, 3, 1]), 5).terms
    for name, term in there.items():
        assert float(term) == pytest.approx(float(back[name]), rel=2e-4, abs=1e-6), name
    for each in (method, turned):
        each.after_step(5)
    assert torch.allclose(method.medians, turned.medians, atol=2e-3)
    assert not torch.equal(method.medians, torch.full((5,), 0.3))


def test_parts_of_a_step_move_the_thresholds_of_the_whole(crossmatch, mixed, rows):
    whole = crossmatch(tau_momentum=0.5).eval()
    parts = copy.deepcopy(whole)
    whole.training_step(mixed, 5)
    for part in ([0, 2], [1, 3]):
        parts.training_step(rows(mixed, part), 5)
    whole.after_step(5)
    parts.after_step(5)
    assert torch.allclose(whole.medians, parts.medians, atol=2e-3)


@pytest.mark.parametrize(
    ('kind', 'step'),
    [('day', 0), ('night', 0), ('day', 5), ('night', 5), ('mixed', 5), ('one', 5), ('unknown', 5)],
)
def test_any_batch_trains_and_every_parameter_has_a_gradient(
    crossmatch, pairs, night, mixed, rows, kind, step
):
    """Distributed training waits for each of them, in the warm-up too."""
    batch = {
        'day': pairs,
        'night': night,
        'mixed': mixed,
        'one': rows(pairs, [0]),
        'unknown': pairs._replace(day=torch.full_like(pairs.day, -1)),
    }[kind]
    method = crossmatch(warmup=1)
    out = method.training_step(batch, step)
    out.loss.backward()
    assert torch.isfinite(out.loss)
    for name, parameter in method.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None, name
            assert torch.isfinite(parameter.grad).all(), name


def test_the_warm_up_learns_the_sources_answers_of_the_day(crossmatch, mixed, night):
    method = crossmatch(warmup=5, warmup_confidence=0.3)
    out = method.training_step(mixed, 0)
    assert set(out.terms) == {'seg', 'seg_auxiliary'} | BOXES
    assert float(out.terms['seg']) > 0
    method.after_step(0)
    assert torch.equal(method.medians, torch.full((5,), 0.3))  # stand still until it is over
    dark = method.training_step(night, 1)
    assert dark.loss.item() == 0


def test_bf16_and_fp32_agree(crossmatch, pairs):
    every_label = {'tau_max': 0.0, 'agree_confidence': 0.0}  # none is won or lost by rounding
    method = crossmatch(diversity=0.1, detection=0.0, **every_label).eval()
    with torch.no_grad():
        exact = method.training_step(pairs, 5).loss
        with torch.autocast('cpu', dtype=torch.bfloat16):
            rounded = method.training_step(pairs, 5).loss
    assert rounded.item() == pytest.approx(exact.item(), rel=1e-2)


@pytest.mark.parametrize(('camera', 'auxiliary'), [('rgb', 'none'), ('thermal', 'rgb')])
def test_a_batch_without_rgb_is_refused_where_it_is_needed(crossmatch, pairs, camera, auxiliary):
    with pytest.raises(DataError, match='without rgb pictures'):
        crossmatch(camera, auxiliary=auxiliary).training_step(pairs._replace(rgb=None), 0)
