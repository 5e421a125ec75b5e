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

"""The method over a run: begun, trained, resumed, shared out, exported."""

from __future__ import annotations

import copy

import pytest
import torch

from xspec_ros.errors import DataError
from xspec_ros.learn.methods.ccdistill.domains import arrange, domain_pictures, pair_rows
from xspec_ros.learn.methods.method import Start
from xspec_ros.learn.methods.supervised.args import SupervisedArgs
from xspec_ros.learn.methods.supervised.method import Supervised

LATE = 9  # of 10 steps: correlations have grown to their weight
PLAIN = {'content': 0.0, 'style': 0.0, 'aux': 0.0, 'detection': 0.0}


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


def test_the_method_begins_from_itself_exactly(build, mixed, run):
    earlier, later = build(self_training=1.0), build(self_training=1.0)
    run(earlier, mixed, 2)
    earlier.after_step(1)
    state = earlier.state_dict()
    later.begin(Start(method='ccdistill', modality='thermal', network={}, state=state))
    assert all(torch.equal(value, state[name]) for name, value in later.state_dict().items())
    with pytest.raises(DataError, match='does not fit'):
        later.begin(Start(method='ccdistill', modality='thermal', network={}, state={}))


def test_an_rgb_teacher_starts_both_branches_at_its_own_answer(build, rgb_teacher, pairs):
    teacher = rgb_teacher
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


def test_four_frames_are_learnt_by_heart(build, mixed, run):
    losses = run(build(ramp=0.0, detection=0.0), mixed, 200, until=0.19)
    assert losses[-1] < 0.2 * losses[0]


def test_training_leaves_no_trace_in_the_deployed_network(build, mixed, run, deploys_as_plain):
    method = build(self_training=1.0)
    run(method, mixed, 1)
    deploys_as_plain(method.student)


@pytest.mark.skipif(torch.cuda.is_available(), reason='forks, which CUDA does not survive')
@pytest.mark.parametrize('split', [[[0, 2], [1, 3]], [[0, 1], [2, 3]]], ids=['mixed', 'by hour'])
def test_two_processes_go_on_together(build, mixed, rows, two_processes, mean_gradient, split):
    """With all the night in one of them too; what is labelled is learnt as one would learn it."""
    silent = {'source_night': 0.0, 'aux': 0.0}
    method = build(content=1e-12, style=1e-12, **silent).eval()  # all counts are exchanged
    halves = [rows(mixed, part) for part in split]

    def work(batch):
        method.training_step(batch, LATE).loss.backward()
        return [mean_gradient(p) for p in method.parameters() if p.requires_grad]

    shared, _ = two_processes(work, halves)
    alone = build(content=0.0, style=0.0, **silent).eval()
    alone.training_step(mixed, LATE).loss.backward()
    own = [p.grad for p in alone.parameters() if p.requires_grad]
    for one, other in zip(shared, own, strict=True):
        scale = other.abs().max().item()
        assert torch.allclose(one, other, atol=1e-5 * scale + 1e-8)
