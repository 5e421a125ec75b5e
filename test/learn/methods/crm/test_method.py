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

"""The whole method on a small network: what each pass sees, moves and leaves alone."""

from __future__ import annotations

import copy

import pytest
import torch

from xspec_ros.errors import ConfigError, DataError
from xspec_ros.learn.batch import IGNORE
from xspec_ros.learn.methods.crm.args import CrmArgs
from xspec_ros.learn.methods.crm.masks import draw_masks, hide
from xspec_ros.learn.methods.crm.method import Crm
from xspec_ros.learn.methods.method import Start
from xspec_ros.learn.models import build_network
from xspec_ros.learn.models.decode import decode_boxes

TERMS = {
    *('sup_fused', 'sup_thermal', 'sup_rgb', 'det_fused', 'det_thermal', 'det_rgb'),
    *('mask', 'sdc', 'sdn'),
}


@pytest.fixture
def crm(context):
    def build(*, steps=10, **arguments):
        return Crm(context(steps=steps), CrmArgs(**arguments))

    return build


def moved(method, loss):
    """Return the parameter groups that get a gradient from a loss."""
    method.zero_grad(set_to_none=True)
    loss.backward()
    groups = {
        'E_T': method.student.thermal.backbone,
        'E_R': method.student.rgb.backbone,
        'D': method.student.thermal.segmentation.classifier,
        'n_T': method.student.thermal.level_norms,
        'n_R': method.student.rgb.level_norms,
        'n_RT': method.student.fused.level_norms,
        'det': method.student.thermal.detection,
        't_T': method.tokens['thermal'],
        't_R': method.tokens['rgb'],
    }
    parameters = {
        name: list(part.parameters()) if isinstance(part, torch.nn.Module) else [part]
        for name, part in groups.items()
    }
    return {
        name
        for name, group in parameters.items()
        if any(p.grad is not None and bool(p.grad.abs().sum() > 0) for p in group)
    }


def test_terms_sum_to_the_loss(crm, pairs):
    out = crm().training_step(pairs, 0)
    assert set(out.terms) == TERMS
    assert float(out.loss.detach()) == pytest.approx(float(sum(out.terms.values())), rel=1e-6)
    assert all(float(term) > 0 for term in out.terms.values())


def test_nothing_hidden_answers_as_before(crm, pairs):
    network = crm().student.eval()
    none = torch.zeros(4, 2, 2, dtype=torch.bool)
    token = torch.rand(1, 1, 1, 1)
    clean = network(pairs.thermal, pairs.rgb).seg_logits
    hat = network(hide(pairs.thermal, none, token), pairs.rgb).seg_logits
    assert torch.equal(clean, hat)


def test_a_wholly_hidden_camera_does_not_speak(crm, pairs):
    network = crm().student.eval()
    everything = torch.ones(4, 2, 2, dtype=torch.bool)
    token = torch.rand(1, 1, 1, 1)
    first = network.thermal.backbone(hide(pairs.thermal, everything, token))
    second = network.thermal.backbone(hide(1 - pairs.thermal, everything, token))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_pixels_under_a_mask_change_nothing_in_their_branch(crm, pairs):
    network = crm().student.eval()
    mask = draw_masks(pairs.names, (2, 2), CrmArgs(strategy='comp'), step=0).rgb
    token = torch.rand(1, 3, 1, 1)
    under = mask[:, None].repeat_interleave(32, 2).repeat_interleave(32, 3)
    changed = torch.where(under, 1 - pairs.rgb, pairs.rgb)
    first = network.rgb(hide(pairs.rgb, mask, token))
    second = network.rgb(hide(changed, mask, token))
    assert torch.equal(first.seg_logits, second.seg_logits)


def test_fusion_is_the_elementwise_maximum(crm, pairs):
    network = crm().student.eval()
    warm, seen = network.thermal.backbone(pairs.thermal), network.rgb.backbone(pairs.rgb)
    for a, b, one, other, same in zip(
        warm, seen, network.fuse(warm, seen), network.fuse(seen, warm), network.fuse(warm, warm),
        strict=True,
    ):  # fmt: skip
        assert torch.equal(one, other)
        assert torch.equal(same, a)
        assert bool(((one >= a) & (one >= b)).all())


def test_thermal_alone_depends_on_nothing_of_rgb(crm, pairs):
    network = crm().student.eval()
    before = network(thermal=pairs.thermal)
    with torch.no_grad():
        for parameter in network.rgb.backbone.parameters():
            parameter.uniform_(-1, 1)
    after = network(thermal=pairs.thermal)
    assert torch.equal(before.seg_logits, after.seg_logits)
    boxes = [decode_boxes(output.det) for output in (before, after)]
    assert all(torch.equal(a, b) for a, b in zip(*boxes, strict=True))


def test_the_deployed_thermal_graph_knows_no_training_module(context, exported):
    bare, trained = map(exported, (context().student, Crm(context(), CrmArgs()).student))
    assert bare[:2] == trained[:2]
    assert all(torch.equal(a, b) for a, b in zip(bare[2], trained[2], strict=True))


def test_clean_passes_alone_move_running_statistics(crm, pairs):
    masked, plain = crm(), crm(strategy='none')
    masked.training_step(pairs, 0)
    plain.training_step(pairs, 0)
    for name, value in masked.student.state_dict().items():
        assert torch.equal(value, plain.student.state_dict()[name]), name
    fresh = crm().student.state_dict()
    norm = 'level_norms.0.running_mean'
    for path in ('thermal', 'rgb', 'fused'):
        assert not torch.equal(
            masked.student.state_dict()[f'{path}.{norm}'], fresh[f'{path}.{norm}']
        )
    assert int(masked.student.thermal.level_norms[0].num_batches_tracked) == 1


@pytest.mark.parametrize(
    ('term', 'expected'),
    [
        ('sup_fused', {'E_T', 'E_R', 'n_RT', 'D'}),
        ('sup_thermal', {'E_T', 'n_T', 'D'}),
        ('sup_rgb', {'E_R', 'n_R', 'D'}),
        ('det_fused', {'E_T', 'E_R', 'n_RT', 'det'}),
        ('det_thermal', {'E_T', 'n_T', 'det'}),
        ('det_rgb', {'E_R', 'n_R', 'det'}),
        ('mask', {'E_T', 'E_R', 'n_RT', 'D', 't_T', 't_R'}),
        ('sdc', {'E_T', 'E_R', 'n_RT', 'D', 't_T', 't_R'}),
        ('sdn', {'E_T', 'E_R', 'n_T', 'n_R', 'D', 't_T', 't_R'}),  # not n_RT: c_RT is constant
    ],
)
def test_each_term_moves_its_own_groups(crm, pairs, term, expected, monkeypatch):
    from xspec_ros.learn.methods.crm import method as module

    method = crm(strategy='comp')
    found = {}

    def keep(terms):
        found.update(terms)
        return module.StepOutput(loss=terms[term], terms=terms)

    monkeypatch.setattr(module.StepOutput, 'total', staticmethod(keep))
    method.training_step(pairs, 0)
    assert moved(method, found[term]) == expected


def test_night_pictures_have_label_free_terms_alone(crm, night):
    method = crm(confidence=0.0)
    out = method.training_step(night, 9)
    out.loss.backward()
    labelled = TERMS - {'sdc', 'sdn'}
    assert all(float(out.terms[name]) == 0 for name in labelled)
    assert float(out.terms['sdc']) > 0
    assert all(bool(p.grad.isfinite().all()) for p in method.parameters() if p.grad is not None)


def test_the_label_free_terms_of_night_pictures_grow(crm, night):
    method = crm(confidence=0.0, steps=100)
    early, late = (method.training_step(night, step).terms for step in (0, 99))
    assert float(early['sdc']) == float(early['sdn']) == 0
    assert float(late['sdn']) > 0


def test_unsure_night_cells_teach_nothing(crm, night):
    out = crm(confidence=1.0).training_step(night, 9)
    assert float(out.loss.detach()) == 0


def test_day_and_night_together(crm, pairs, night, rows):
    mixed = type(pairs)(
        *(
            torch.cat((a, b))
            if isinstance(a, torch.Tensor)
            else a + tuple(f'night {n}' for n in b)
            for a, b in zip(pairs, night, strict=True)
        )
    )
    method = crm(confidence=0.0).eval()
    whole = method.training_step(mixed, 9).terms
    day = method.training_step(rows(mixed, range(4)), 9).terms
    dark = method.training_step(rows(mixed, range(4, 8)), 9).terms
    assert float(whole['sup_fused']) == pytest.approx(float(day['sup_fused']), rel=1e-5)
    both = (float(day['sdn']) + float(dark['sdn'])) / 2
    assert float(whole['sdn']) == pytest.approx(both, rel=1e-5)


def test_the_order_of_pictures_does_not_matter(crm, pairs, rows):
    method = crm()
    first = method.training_step(pairs, 3).terms
    second = method.training_step(rows(pairs, [2, 0, 3, 1]), 3).terms
    for name in TERMS:
        assert float(first[name]) == pytest.approx(float(second[name]), rel=2e-4), name


def test_labels_of_ignored_pixels_do_not_count(crm, pairs):
    blank = pairs._replace(
        label_map=torch.full_like(pairs.label_map, IGNORE),
        inside=torch.zeros_like(pairs.inside),
        has_boxes=torch.zeros_like(pairs.has_boxes),
    )
    method = crm()
    out = method.training_step(blank, 9)
    out.loss.backward()
    assert float(out.loss.detach()) == 0
    assert not moved(method, method.training_step(blank, 9).loss)


def test_one_pair_is_a_batch(crm, pairs, rows):
    assert torch.isfinite(crm().training_step(rows(pairs, [1]), 0).loss)


def test_bf16_and_fp32_agree(crm, pairs):
    method = crm().eval()
    with torch.no_grad():
        exact = method.training_step(pairs, 0).loss
        with torch.autocast('cpu', dtype=torch.bfloat16):
            rounded = method.training_step(pairs, 0).loss
    assert float(rounded) == pytest.approx(float(exact), rel=1e-2)


def test_weights_of_zero_are_plain_fusion_step_for_step(crm, pairs, run):
    method, plain = crm(mask=0.0, sdc=0.0, sdn=0.0), crm(strategy='none')
    assert run(method, pairs, 3) == pytest.approx(run(plain, pairs, 3), rel=1e-6)
    ours, theirs = method.student.state_dict(), plain.student.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_plain_fusion_has_no_masked_terms_and_no_idle_token(crm, pairs):
    method = crm(strategy='none')
    assert set(method.training_step(pairs, 0).terms) == TERMS - {'mask', 'sdc', 'sdn'}
    assert not any(token.requires_grad for token in method.tokens.values())


@pytest.mark.parametrize('arguments', [{}, {'strategy': 'none'}, {'detection': 0.0}])
def test_every_trained_parameter_is_used(crm, night, arguments):
    method = crm(**arguments)
    method.training_step(night, 0).loss.backward()
    idle = [n for n, p in method.named_parameters() if p.requires_grad and p.grad is None]
    assert idle == []


def test_without_box_losses_the_detection_head_stands_still(crm, pairs, run):
    method = crm(detection=0.0)
    before = copy.deepcopy(method.student.thermal.detection.state_dict())
    run(method, pairs, 2)
    after = method.student.thermal.detection.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    assert set(method.training_step(pairs, 2).terms) == {n for n in TERMS if n[:3] != 'det'}


def test_four_frames_are_learnt_by_heart(crm, pairs, run):
    losses = run(crm(steps=200), pairs, 200, until=0.19)
    assert losses[-1] < 0.2 * losses[0]


def test_a_resumed_run_goes_on_as_if_never_stopped(crm, pairs):
    method = crm()
    first = method.training_step(pairs, 4).loss
    other = crm(seed=0)
    other.load_state_dict(copy.deepcopy(crm().state_dict()))
    assert torch.equal(first, other.training_step(pairs, 4).loss)


@pytest.mark.usefixtures('shallow_encoders')
@pytest.mark.parametrize('encoder', ['mit_b0', 'resnet50'])
def test_larger_encoders_take_a_step(context, pairs, encoder):
    pytest.importorskip('transformers')
    method = Crm(context(encoder=encoder), CrmArgs())
    out = method.training_step(pairs, 0)
    out.loss.backward()
    assert torch.isfinite(out.loss)
    assert {'E_T', 'E_R', 't_T', 't_R'} <= moved(method, method.training_step(pairs, 0).loss)


def gradients(method, batch):
    """Return the gradients of a step with the norms frozen."""
    method.eval().training_step(batch, 5).loss.backward()
    return {name: p.grad for name, p in method.named_parameters() if p.grad is not None}


def test_two_processes_have_the_gradients_of_one(crm, pairs, rows, two_processes, assert_mean):
    has = torch.tensor([True, True, True, False])  # the halves hold unequal numbers of labels
    batch = pairs._replace(has_masks=has, has_boxes=has)
    method = crm(confidence=0.0)
    halves = [rows(batch, (0, 1)), rows(batch, (2, 3))]
    shared = two_processes(lambda half: gradients(method, half), halves)
    alone = gradients(method, batch)
    assert_mean(shared, alone, floor=1e-12)


def test_crm_begins_from_crm_exactly(crm, pairs, run):
    earlier = crm()
    run(earlier, pairs, 2)
    later = crm()
    later.begin(Start(method='crm', modality='thermal', network={}, state=earlier.state_dict()))
    state = later.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in earlier.state_dict().items())


def test_a_crm_of_another_size_is_refused(crm, context):
    small = Crm(context(width=0.5), CrmArgs())
    start = Start(method='crm', modality='thermal', network={}, state=small.state_dict())
    with pytest.raises(DataError, match='does not fit'):
        crm().begin(start)


def test_an_rgb_network_becomes_every_path(crm, pairs):
    torch.manual_seed(1)
    teacher = build_network(
        'student',
        {'num_classes': 5, 'num_detection_classes': 3, 'width': 0.25, 'in_channels': 3},
    )
    teacher(pairs.rgb)  # its norms leave their start
    method = crm()
    method.begin(
        Start(method='supervised', modality='rgb', network=teacher.state_dict(), state={})
    )
    student = method.student.eval()
    teacher.eval()
    rgb = student.rgb.backbone(pairs.rgb)
    assert all(torch.equal(a, b) for a, b in zip(rgb, teacher.backbone(pairs.rgb), strict=True))
    grey = student.thermal.backbone(pairs.thermal)
    as_grey = teacher.backbone(pairs.thermal.expand(-1, 3, -1, -1))
    for a, b in zip(grey, as_grey, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4)
    for path in (student.thermal, student.rgb, student.fused):
        own = path.segmentation.detail[1].state_dict()
        for key, value in teacher.segmentation.detail[1].state_dict().items():
            assert torch.equal(own[key], value)
        torch.testing.assert_close(
            path.segmentation.classifier.weight, teacher.segmentation.classifier.weight
        )


def test_another_network_is_refused(context):
    with pytest.raises(ConfigError, match='Student'):
        Crm(context('student'), CrmArgs())


def test_a_batch_without_pairs_is_refused(crm, pairs):
    with pytest.raises(DataError, match='pair 0/0'):
        crm().training_step(pairs._replace(rgb=None), 0)


def test_pictures_that_are_no_whole_patches_are_refused(crm, pairs):
    with pytest.raises(DataError, match='64x64'):
        crm(patch=48).training_step(pairs, 0)
