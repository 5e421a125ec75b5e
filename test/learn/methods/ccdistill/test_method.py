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

"""The method with its networks."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import distributed
from torch.multiprocessing import start_processes
from torch.nn.modules.batchnorm import _BatchNorm

from xspec_ros.config import convert
from xspec_ros.errors import ConfigError, DataError
from xspec_ros.learn.batch import IGNORE
from xspec_ros.learn.methods.ccdistill.args import CcDistillArgs
from xspec_ros.learn.methods.ccdistill.domains import arrange, domain_pictures, pair_rows
from xspec_ros.learn.methods.ccdistill.method import CcDistill
from xspec_ros.learn.methods.method import Start
from xspec_ros.learn.methods.supervised.args import SupervisedArgs
from xspec_ros.learn.methods.supervised.method import Supervised

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
PLAIN = {'content': 0.0, 'style': 0.0, 'aux': 0.0, 'detection': 0.0}


@pytest.fixture
def build(context):
    """Return a function that builds the method around small students."""

    def make(*, modality='thermal', encoder='light', **arguments):
        args = convert({'grid': (2, 2), **arguments}, CcDistillArgs, 'method.arguments')
        return CcDistill(context('student', modality=modality, encoder=encoder), args)

    return make


def join(*batches):
    first = batches[0]
    tensors = {k: torch.cat([b.tensors()[k] for b in batches]) for k in first.tensors()}
    names = tuple(name for batch in batches for name in batch.names)
    return type(first)(**{**first._asdict(), **tensors, 'names': names})


@pytest.fixture
def mixed(pairs, night, rows):
    """Two pairs of the day, two of the night."""
    return join(rows(pairs, [0, 1]), rows(night, [2, 3]))


@pytest.fixture
def cameras(pairs, night, rows):
    """RGB alone: two labelled pictures, one of the target by day, one by night."""
    day = rows(pairs, [2])
    unlabelled = day._replace(has_masks=torch.tensor([False]), has_boxes=torch.tensor([False]))
    batch = join(rows(pairs, [0, 1]), unlabelled, rows(night, [3]))
    return batch._replace(thermal=None)


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


def groups_reached(method):
    modules = dict(method.named_modules())
    return {
        group(name, modules[name.rpartition('.')[0]])
        for name, parameter in method.named_parameters()
        if parameter.grad is not None and bool(parameter.grad.abs().sum() > 0)
    }


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
def test_every_term_reaches_exactly_its_parameters(build, mixed, loud, reached):
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


def test_ignored_pixels_teach_nothing(build, mixed):
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
    out = method.training_step(rows_of(cameras, count), LATE)
    out.loss.backward()
    assert torch.isfinite(out.loss)
    assert all(p.grad is not None for p in method.parameters() if p.requires_grad)
    assert (out.terms['content'].item() > 0) is (count == 4)
    assert method.rgb is None
    assert 'seg_td' not in out.terms


def rows_of(batch, count):
    tensors = {key: value[:count] for key, value in batch.tensors().items()}
    return type(batch)(**{**batch._asdict(), **tensors, 'names': batch.names[:count]})


def test_day_and_night_of_unequal_number_are_matched(build, pairs, night, rows):
    batch = join(rows(pairs, [0]), rows(night, [1, 2, 3]))
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


def test_without_its_terms_the_method_is_plain_training_step_for_step(build, mixed):
    """Cross-entropy on RGB by day, its night look and thermal by day, and nothing else runs."""
    ours, plain = (build(**PLAIN).train() for _ in range(2))
    optimizers = [torch.optim.SGD(m.parameters(), lr=0.05, momentum=0.9) for m in (ours, plain)]
    truth = mixed.label_map
    for step in range(3):
        out = ours.training_step(mixed, step)
        out.loss.backward()
        ours.after_step(step)
        rows = pair_rows(mixed, arrange(mixed.names, seed=0, step=step))
        seen = domain_pictures(
            mixed.rgb, mixed.thermal, mixed, rows=rows, args=plain.args, step=step
        )
        assert set(seen) == {'sd', 'sn', 'td'}
        rgb, thermal = (
            x.contiguous(memory_format=torch.channels_last)
            for x in (torch.cat((seen['sd'], seen['sn'])), seen['td'])
        )
        day, dark = plain.rgb.features(rgb)['S'].chunk(2)
        loss = 0.0
        for embedding in (day, dark, plain.student.features(thermal)['S']):
            logits = torch.nn.functional.interpolate(
                plain.student.segmentation.classifier(embedding), size=(64, 64), mode='bilinear'
            )
            loss = loss + torch.nn.functional.cross_entropy(logits, truth[rows.day])
        loss.backward()
        assert out.loss.item() == pytest.approx(loss.item(), rel=1e-5)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
    for (name, weight), other in zip(ours.named_parameters(), plain.parameters(), strict=True):
        assert torch.allclose(weight, other, rtol=1e-4, atol=1e-6), name


def test_labels_of_thermal_are_learnt_as_plain_training_learns_them(build, context, pairs):
    weights = {'class 1': 3.0}
    method = build(class_weights=weights).eval()
    supervised = Supervised(context('student'), SupervisedArgs(class_weights=weights)).eval()
    supervised.student.load_state_dict(method.student.state_dict())
    ours, theirs = (each.training_step(pairs, 0).terms for each in (method, supervised))
    assert torch.allclose(ours['seg_td'], theirs['seg'], rtol=1e-5)
    boxes = theirs['box'] + theirs['obj'] + theirs['cls']
    assert torch.allclose(ours['det'], boxes, rtol=1e-5)


def test_without_its_weight_the_detection_head_stands_still(build, mixed):
    method = build(detection=0.0)
    assert 'det' not in method.training_step(mixed, LATE).terms
    assert not any(p.requires_grad for p in method.student.detection.parameters())
    assert not any(p.requires_grad for p in build(aux=0.0).head.parameters())


def test_the_average_follows_exactly_and_gets_no_gradient(build, mixed):
    method = build(self_training=1.0, confidence=0.0, ema=0.9).train()
    assert not any(layer.training for layer in method.average.modules())
    with torch.no_grad():
        for parameter in method.student.parameters():
            parameter.add_(0.1)
    before = copy.deepcopy(method.average.state_dict())
    method.training_step(mixed, LATE).loss.backward()
    assert all(p.grad is None for p in method.average.parameters())
    method.after_step(0)
    after, student = method.average.state_dict(), method.student.state_dict()
    for name, _ in method.average.named_parameters():
        assert torch.allclose(after[name], 0.9 * before[name] + 0.1 * student[name]), name
    for name, buffer in method.average.named_buffers():
        assert torch.equal(buffer, student[name]), name
    assert any(name.startswith('average.') for name in method.state_dict())


def test_there_is_no_average_without_self_training(build, mixed):
    method = build()
    assert method.average is None
    assert not any(name.startswith('average') for name in method.state_dict())
    assert 'self' not in method.training_step(mixed, LATE).terms


def test_unsure_answers_of_the_average_teach_nothing(build, mixed):
    out = build(self_training=1.0, confidence=1.0).training_step(mixed, LATE)
    assert out.terms['self'].item() == 0


def test_the_method_begins_from_itself_exactly(build, mixed, run):
    earlier, later = build(self_training=1.0), build(self_training=1.0)
    run(earlier, mixed, 2)
    earlier.after_step(1)
    state = earlier.state_dict()
    later.begin(Start(method='ccdistill', modality='thermal', network={}, state=state))
    assert all(torch.equal(value, state[name]) for name, value in later.state_dict().items())
    with pytest.raises(DataError, match='does not fit'):
        later.begin(Start(method='ccdistill', modality='thermal', network={}, state={}))


def test_an_rgb_teacher_starts_both_branches_at_its_own_answer(build, context, pairs):
    teacher = context('student', modality='rgb').student
    torch.manual_seed(3)
    for layer in teacher.modules():
        if isinstance(layer, _BatchNorm):
            layer.running_mean.normal_(std=0.1)
            layer.running_var.uniform_(0.5, 2)
    method = build(self_training=1.0)
    method.begin(
        Start(method='supervised', modality='rgb', network=teacher.state_dict(), state={})
    )
    for network in (teacher, method):
        network.eval()
    grey = pairs.thermal.expand(-1, 3, -1, -1)
    expected, answer = teacher(grey).seg_logits, method.student(pairs.thermal).seg_logits
    assert torch.allclose(answer, expected, atol=1e-4)
    assert torch.equal(method.average(pairs.thermal).seg_logits, answer)
    ours, theirs = (each.features(pairs.rgb)['S'] for each in (method.rgb, teacher))
    assert torch.allclose(ours, theirs, atol=1e-5)


def test_a_resumed_run_goes_on_as_if_never_stopped(build, mixed):
    method = build(self_training=1.0, confidence=0.0)
    state = copy.deepcopy(method.state_dict())
    first = method.training_step(mixed, 4).loss
    other = build(self_training=1.0, confidence=0.0)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.zero_()
    other.load_state_dict(state)
    assert torch.equal(first, other.training_step(mixed, 4).loss)


def test_bf16_and_fp32_agree(build, mixed):
    method = build(self_training=1.0, confidence=0.0).eval()
    with torch.no_grad():
        exact = method.training_step(mixed, LATE).loss
        with torch.autocast('cpu', dtype=torch.bfloat16):
            rounded = method.training_step(mixed, LATE).loss
    assert rounded.item() == pytest.approx(exact.item(), rel=1e-2)


def test_four_frames_are_learnt_by_heart(build, mixed, run):
    losses = run(build(ramp=0.0, detection=0.0), mixed, 200, until=0.19)
    assert losses[-1] < 0.2 * losses[0]


def test_training_leaves_no_trace_in_the_deployed_network(build, context, mixed, run):
    method = build(self_training=1.0)
    run(method, mixed, 1)
    method.eval()
    alone = context('student').student.eval()
    assert set(alone.state_dict()) == set(method.student.state_dict())
    alone.load_state_dict(method.student.state_dict())
    exported = [torch.export.export(each, (mixed.thermal,)) for each in (method.student, alone)]
    assert str(exported[0].graph) == str(exported[1].graph)
    with torch.no_grad():
        ours, theirs = method.student(mixed.thermal), alone(mixed.thermal)
    assert torch.equal(ours.seg_logits, theirs.seg_logits)
    assert all(torch.equal(a.cls, b.cls) for a, b in zip(ours.det, theirs.det, strict=True))


@pytest.mark.parametrize('encoder', ['mit_b0', 'resnet50'])
def test_larger_encoders_make_a_step(build, mixed, encoder):
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


def one_of_two(rank, store, folder, method, batches):
    """Take a step as one of two processes and leave the mean gradient."""
    torch.set_num_threads(1)
    distributed.init_process_group('gloo', init_method=store, rank=rank, world_size=2)
    method.training_step(batches[rank], LATE).loss.backward()
    trained = [p for p in method.parameters() if p.requires_grad]
    for parameter in trained:
        distributed.all_reduce(parameter.grad)
        parameter.grad /= 2
    torch.save([p.grad for p in trained], folder / f'{rank}.pt')
    distributed.destroy_process_group()


@pytest.mark.skipif(torch.cuda.is_available(), reason='forks, which CUDA does not survive')
@pytest.mark.parametrize('split', [[[0, 2], [1, 3]], [[0, 1], [2, 3]]], ids=['mixed', 'by hour'])
def test_two_processes_go_on_together(build, mixed, rows, tmp_path, split):
    """With all the night in one of them too; what is labelled is learnt as one would learn it."""
    silent = {'source_night': 0.0, 'aux': 0.0}
    method = build(content=1e-12, style=1e-12, **silent).eval()  # all counts are exchanged
    halves = [rows(mixed, part) for part in split]
    start_processes(
        one_of_two,
        (f'file://{tmp_path / "store"}', tmp_path, method, halves),
        nprocs=2,
        start_method='fork',
    )
    alone = build(content=0.0, style=0.0, **silent).eval()
    alone.training_step(mixed, LATE).loss.backward()
    shared = torch.load(tmp_path / '0.pt')
    own = [p.grad for p in alone.parameters() if p.requires_grad]
    for one, other in zip(shared, own, strict=True):
        scale = other.abs().max().item()
        assert torch.allclose(one, other, atol=1e-5 * scale + 1e-8)
