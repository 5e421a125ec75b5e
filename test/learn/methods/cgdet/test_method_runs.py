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

"""The method over several steps, processes, and from and to other networks."""

from __future__ import annotations

import copy

import pytest
import torch

from xspec_ros.errors import DataError
from xspec_ros.learn.methods.method import Start

LATE = 9  # a step at which both weights are full


def test_four_frames_are_learnt_by_heart(build, pairs, run):
    losses = run(build(ramp=0.0), pairs, 200, until=0.19)
    assert losses[-1] < 0.2 * losses[0]


def test_a_resumed_run_goes_on_as_if_never_stopped(build, mixed, optimise, same):
    arguments = {'queue': 3, 'background': 1, 'night_score': 0.0}
    method, other = build(**arguments), build(**arguments)
    optimise(method, mixed, 2)
    other.load_state_dict(copy.deepcopy(method.state_dict()))
    for each in (method, other):
        optimise(each, mixed, 2)
    assert same(method.state_dict(), other.state_dict())


def test_cgdet_begins_from_cgdet_exactly(build, pairs, optimise, same):
    earlier, later = build(queue=3, night_score=0.5), build(queue=3, night_score=0.5)
    optimise(earlier, pairs, 2)
    state = earlier.state_dict()
    later.begin(Start(method='cgdet', modality='thermal', network={}, state=state))
    assert same(later.state_dict(), state)
    with pytest.raises(DataError, match='does not fit'):
        build().begin(Start(method='cgdet', modality='thermal', network={}, state=state))


def test_cgdet_begins_from_the_weights_of_another_network(build, teacher):
    network = teacher()
    method = build(network, night_score=0.5)
    method.begin(
        Start(method='supervised', modality='rgb', network=network.state_dict(), state={})
    )
    for ours in (method.student, method.night.network):
        torch.testing.assert_close(
            ours.backbone.stem[0].weight, network.backbone.stem[0].weight.sum(dim=1, keepdim=True)
        )
        assert torch.equal(ours.pyramid.smooth3[0][0].weight, network.pyramid.smooth3[0][0].weight)


def test_training_leaves_no_trace_in_the_deployed_network(
    build, pairs, deploys_as_plain, optimise
):
    method = build(queue=2, night_score=0.5)
    optimise(method, pairs, 1)
    deploys_as_plain(method.student)


def test_a_teacher_of_another_width_has_adapters_of_its_own(build, teacher, pairs):
    method = build(teacher(width=0.5))
    assert [tuple(a.weight.shape[:2]) for a in method.adapters] == [(48, 24)] * 3
    out = method.training_step(pairs, LATE)
    assert float(out.terms['guidance']) > 0


@pytest.mark.usefixtures('shallow_encoders')
@pytest.mark.parametrize('encoder', ['mit_b0', 'resnet50'])
def test_larger_encoders_make_a_step(build, teacher, pairs, rows, encoder):
    pytest.importorskip('transformers')
    method = build(teacher(), encoder=encoder)
    out = method.training_step(rows(pairs, [0, 1]), LATE)
    out.loss.backward()
    assert torch.isfinite(out.loss)
    assert all(float(out.terms[name]) > 0 for name in ('contrast', 'guidance'))


ARGUMENTS = {'queue': 16, 'background': 2}


@pytest.mark.skipif(torch.cuda.is_available(), reason='forks, which CUDA does not survive')
@pytest.mark.parametrize('guidance', ['cosine', 'correlation'])
@pytest.mark.parametrize('parts', [([0, 2], [1, 3]), ([0], [1, 2, 3])])
def test_two_processes_give_the_gradient_and_the_queue_of_one(
    settled, mixed, rows, two_processes, mean_gradient, parts, guidance
):
    """Also where one of them has all the day and the other all the night."""
    method = settled(**ARGUMENTS, guidance=guidance)
    batches = [rows(mixed, part) for part in parts]
    trained = [(n, p) for n, p in method.named_parameters() if p.requires_grad]

    def work(batch):
        method.training_step(batch, LATE).loss.backward()
        method.after_step(LATE)
        return [mean_gradient(p) for _, p in trained], method.queue.state_dict()

    found = two_processes(work, batches)
    method.training_step(rows(mixed, [*parts[0], *parts[1]]), LATE).loss.backward()
    method.after_step(LATE)
    for gradients, queue in found:
        assert torch.equal(queue['pushed'], method.queue.pushed)
        for ours, theirs in zip(method.queue.z, queue['z'], strict=True):  # in any order
            near = (ours @ theirs.T).amax(dim=1)
            torch.testing.assert_close(near, ours.square().sum(dim=1), rtol=1e-4, atol=1e-4)
        for (name, parameter), gradient in zip(trained, gradients, strict=True):
            far = float((gradient - parameter.grad).norm())  # one picture is convolved otherwise
            assert far <= 1e-3 * float(parameter.grad.norm()) + 1e-6, name
