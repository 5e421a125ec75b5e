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

import pytest
import torch

from xspec_ros.errors import ConfigError
from xspec_ros.learn.methods.masked_mutual.args import MaskedMutualArgs
from xspec_ros.learn.methods.masked_mutual.method import MaskedMutual
from xspec_ros.learn.methods.method import Start

STAGE_TWO = {'stage': 2, 'prototypes': 'ema'}


def test_the_first_step_gives_prototypes_and_the_next_moves_them(build, pairs, taught):
    method = build().eval()
    assert method.training_step(pairs, 0).terms['prototype'].item() == 0
    method.after_step(0)
    first = method.eta.clone()
    assert method.seen.all()
    assert torch.allclose(first.norm(dim=1), torch.ones(5), atol=1e-5)
    taught(method, pairs._replace(thermal=1 - pairs.thermal))
    assert not torch.equal(first, method.eta)


def test_parts_of_a_step_make_the_prototypes_of_the_whole(build, pairs, rows, taught):
    whole, parts = build().eval(), build().eval()
    taught(whole, pairs)
    for part in ([0], [1, 2], [3]):
        parts.training_step(rows(pairs, part), 0)
    parts.after_step(0)
    assert torch.allclose(whole.eta, parts.eta, atol=1e-5)
    assert torch.equal(whole.seen, parts.seen)


@pytest.mark.parametrize('mode', ['ema', 'frozen'])
def test_only_frozen_prototypes_stay_bit_by_bit_in_stage_two(build, mixed, taught, mode):
    first = taught(build(), mixed)
    kept = first.eta.clone()
    second = build(stage=2, prototypes=mode)
    second.begin(
        Start(method='masked_mutual', modality='thermal', network={}, state=first.state_dict())
    )
    assert torch.equal(second.eta, kept)
    taught(second, mixed, steps=2)
    assert torch.equal(second.eta, kept) is (mode == 'frozen')
    resumed = build(stage=2, prototypes=mode)
    resumed.load_state_dict(second.state_dict())
    taught(resumed, mixed)
    assert torch.equal(resumed.eta, kept) is (mode == 'frozen')


def test_frozen_prototypes_that_do_not_exist_are_refused(build, mixed):
    with pytest.raises(ConfigError, match='frozen'):
        build(stage=2).training_step(mixed, 0)


def test_a_stage_is_continued_strictly(build):
    state = build().state_dict()
    del state['eta']
    with pytest.raises(RuntimeError, match='eta'):
        build().begin(Start(method='masked_mutual', modality='thermal', network={}, state=state))


def test_an_rgb_teacher_starts_both_networks_at_its_own_answer(build, rgb_teacher, pairs):
    teacher = rgb_teacher
    method = build()
    method.begin(
        Start(method='supervised', modality='rgb', network=teacher.state_dict(), state={})
    )
    for name, weight in method.rgb.state_dict().items():
        assert torch.equal(weight, teacher.state_dict()[name]), name
    teacher.eval()
    method.eval()
    grey = pairs.thermal.expand(-1, 3, -1, -1)
    answer, expected = method.student(pairs.thermal), teacher(grey)
    assert torch.allclose(answer.seg_logits, expected.seg_logits, atol=1e-4)
    assert torch.allclose(answer.det[0].cls, expected.det[0].cls, atol=1e-4)


def test_without_its_terms_the_method_is_plain_training_on_pseudo_labels(build, pairs):
    """Step for step: both networks, cross-entropy alone."""
    ours, plain = (
        build(mml={'weight': 0.0}, prototype=0.0, detection=0.0).train() for _ in range(2)
    )
    optimizers = [torch.optim.SGD(m.parameters(), lr=0.05, momentum=0.9) for m in (ours, plain)]
    for step in range(3):
        ours.training_step(pairs, step).loss.backward()
        ours.after_step(step)
        for network, picture in ((plain.student, pairs.thermal), (plain.rgb, pairs.rgb)):
            embedding = network.features(picture.contiguous(memory_format=torch.channels_last))
            logits = torch.nn.functional.interpolate(
                network.segmentation.classifier(embedding['S']), size=(64, 64), mode='bilinear'
            )
            torch.nn.functional.cross_entropy(logits, pairs.label_map).backward()
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
    for (name, weight), other in zip(ours.named_parameters(), plain.parameters(), strict=True):
        assert torch.allclose(weight, other, rtol=1e-4, atol=1e-6), name


def test_networks_it_cannot_train_are_refused(context):
    with pytest.raises(ConfigError, match='FusionNetwork'):
        MaskedMutual(context('fusion'), MaskedMutualArgs())
    with pytest.raises(ConfigError, match='rgb'):
        MaskedMutual(context('student', modality='rgb'), MaskedMutualArgs())


def test_training_leaves_no_trace_in_the_deployed_network(build, pairs, deploys_as_plain, taught):
    deploys_as_plain(taught(build(), pairs).student)


def test_four_pairs_are_learnt_by_heart_within_200_steps(build, pairs):
    method = build().train()
    optimizer = torch.optim.AdamW(method.parameters(), lr=5e-3)
    first = method.training_step(pairs, 0).loss.item()
    for step in range(200):
        out = method.training_step(pairs, step)
        if out.loss.item() < 0.2 * first:
            return
        out.loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        method.after_step(step)
    pytest.fail(f'{first} became {out.loss.item()}')


@pytest.mark.usefixtures('shallow_encoders')
@pytest.mark.parametrize('encoder', ['mit_b0', 'resnet50'])
def test_larger_encoders_make_a_step(build, pairs, rows, groups_reached, encoder):
    pytest.importorskip('transformers')
    method = build(encoder=encoder)
    method.training_step(rows(pairs, [0, 1]), 0).loss.backward()
    assert {'E_R', 'E_T', 'D', 'classifier'} <= groups_reached(method)


@pytest.mark.skipif(torch.cuda.is_available(), reason='forks, which CUDA does not survive')
@pytest.mark.parametrize('parts', [([0], [1, 2, 3]), ([0, 1], [2, 3])])
def test_two_processes_give_the_gradient_and_prototypes_of_one(
    build, mixed, rows, two_processes, mean_gradient, taught, parts
):
    """Also where one of them has all the day and the other all the night."""
    method = taught(build(**STAGE_TWO), mixed).eval()
    batches = [rows(mixed, part) for part in parts]

    def work(batch):
        method.training_step(batch, 0).loss.backward()
        method.after_step(0)
        return [mean_gradient(p) for p in method.parameters()], method.eta

    found = two_processes(work, batches)
    method.training_step(mixed, 0).loss.backward()
    method.after_step(0)
    for gradients, eta in found:
        assert torch.allclose(eta, method.eta, atol=1e-6)
        for (name, parameter), gradient in zip(method.named_parameters(), gradients, strict=True):
            scale = parameter.grad.abs().max().item()
            assert torch.allclose(gradient, parameter.grad, atol=1e-5 * scale + 1e-8), name
