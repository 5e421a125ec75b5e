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

"""The whole method: teachers of either camera or both, and what of it moves."""

from __future__ import annotations

import copy

import pytest
import torch

from xspec_ros.errors import ConfigError, DataError
from xspec_ros.learn.methods.distil.args import DistilArgs
from xspec_ros.learn.methods.distil.method import Distil
from xspec_ros.learn.methods.method import Start

TERMS = {'soft', 'hard', 'box', 'obj', 'cls'}


@pytest.fixture
def teacher(context, pairs):
    """Return a function that builds a teacher which has seen pictures and is sure of itself."""

    def build(name='fusion', modality='thermal'):
        network = context(name, modality=modality).student
        for _ in range(3):
            network(*(pairs[:2] if name == 'fusion' else [getattr(pairs, modality)]))
        head = network.thermal if name == 'fusion' else network
        with torch.no_grad():
            head.segmentation.classifier.weight.mul_(20)
            for layer in (*head.detection.obj_out, *head.detection.cls_out):
                layer.bias.fill_(0.5)
                layer.weight.normal_(std=0.5)
        return network

    return build


@pytest.fixture
def distil(context, teacher):
    def build(network=None, **arguments):
        taught = context('student', teacher=teacher() if network is None else network)
        return Distil(taught, DistilArgs(**{'confidence': 0.3, **arguments}))

    return build


def test_terms_sum_to_the_loss(distil, pairs):
    out = distil().training_step(pairs, 0)
    assert set(out.terms) == TERMS
    assert float(out.loss.detach()) == pytest.approx(float(sum(out.terms.values())), rel=1e-6)
    assert all(float(term) > 0 for term in out.terms.values())


def test_night_pairs_need_no_labels(distil, pairs, night):
    day, dark = (distil().training_step(batch, 0).terms for batch in (pairs, night))
    assert all(torch.equal(day[name], dark[name]) for name in TERMS)


@pytest.mark.parametrize('modality', ['thermal', 'rgb'])
def test_a_network_of_one_camera_teaches_by_its_own_picture(context, teacher, pairs, modality):
    network = teacher('student', modality)
    same = context('student', modality=modality, teacher=network)
    same.student.load_state_dict(network.state_dict())
    method = Distil(same, DistilArgs(hard=0.0)).eval()
    assert float(method.training_step(pairs, 0).loss.detach()) == pytest.approx(0, abs=1e-4)
    other = Distil(context('student', teacher=network), DistilArgs(hard=0.0)).eval()
    assert float(other.training_step(pairs, 0).loss.detach()) > 0.1


def test_the_teacher_stands_still(distil, teacher, pairs, run):
    network = teacher()
    before = copy.deepcopy(network.state_dict())
    method = distil(network)
    method.train()
    run(method, pairs, 2)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert {name.split('.')[0] for name in method.state_dict()} == {'student'}
    assert not any(p.requires_grad for p in network.parameters())


@pytest.mark.parametrize(
    ('weights', 'still'),
    [
        ({'soft': 0, 'hard': 0}, 'segmentation.classifier'),
        ({'box': 0, 'objectness': 0, 'classification': 0}, 'detection'),
        ({'soft': 0, 'hard': 0, 'objectness': 0, 'classification': 0}, 'detection.obj_out'),
    ],
)
def test_a_weight_of_zero_takes_a_term_away(distil, pairs, weights, still):
    method = distil(**weights)
    method.training_step(pairs, 0).loss.backward()
    trained = {name: p for name, p in method.student.named_parameters() if p.requires_grad}
    grads = {name: p.grad for name, p in trained.items()}
    assert all(grad is not None for grad in grads.values())  # or several processes would wait
    assert all(not g.any() for name, g in grads.items() if name.startswith(still))
    assert any(g.any() for g in grads.values())


def test_the_order_of_pictures_does_not_matter(distil, pairs, rows):
    method = distil().eval()
    first = method.training_step(pairs, 0).terms
    second = method.training_step(rows(pairs, [2, 0, 3, 1]), 0).terms
    assert all(float(first[n]) == pytest.approx(float(second[n]), rel=1e-4) for n in TERMS)


def test_pairs_without_a_picture_teach_nothing(distil, pairs):
    blank = pairs._replace(inside=torch.zeros_like(pairs.inside))
    out = distil().training_step(blank, 0)
    out.loss.backward()
    assert float(out.loss.detach()) == 0


def test_one_pair_is_a_batch(distil, pairs, rows):
    assert torch.isfinite(distil().training_step(rows(pairs, [1]), 0).loss)


def test_bf16_and_fp32_agree(distil, pairs):
    method = distil().eval()
    with torch.no_grad():
        exact = method.training_step(pairs, 0).loss
        with torch.autocast('cpu', dtype=torch.bfloat16):
            rounded = method.training_step(pairs, 0).loss
    assert float(rounded) == pytest.approx(float(exact), rel=1e-2)


def test_four_frames_are_learnt_by_heart(distil, pairs, run):
    losses = run(distil(), pairs, 200, until=0.19)
    assert losses[-1] < 0.2 * losses[0]


def test_distil_begins_from_distil_exactly(distil, pairs, run):
    earlier, later = distil(), distil()
    run(earlier, pairs, 2)
    state = earlier.state_dict()
    later.begin(Start(method='distil', modality='thermal', network={}, state=state))
    assert all(torch.equal(value, state[name]) for name, value in later.state_dict().items())
    with pytest.raises(DataError, match='does not fit'):
        later.begin(Start(method='distil', modality='thermal', network={}, state={}))


def test_distil_begins_from_the_thermal_path_of_its_teacher(distil, teacher, pairs):
    network = teacher()
    method = distil(network)
    start = Start(method='crm', modality='thermal', network=network.state_dict(), state={})
    method.begin(start)
    ours = method.student.eval()(pairs.thermal).seg_logits
    theirs = network.eval()(thermal=pairs.thermal).seg_logits
    torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-3)


def test_distil_begins_from_a_network_of_the_other_camera(distil, teacher):
    network = teacher('student', 'rgb')
    method = distil(network)
    method.begin(
        Start(method='supervised', modality='rgb', network=network.state_dict(), state={})
    )
    ours, theirs = method.student.backbone.stem[0], network.backbone.stem[0]
    torch.testing.assert_close(ours.weight, theirs.weight.sum(dim=1, keepdim=True))


def test_no_teacher_and_a_fusion_student_are_refused(context, teacher):
    with pytest.raises(ConfigError, match='no teacher'):
        Distil(context('student'), DistilArgs())
    with pytest.raises(ConfigError, match='fusion'):
        Distil(context(teacher=teacher()), DistilArgs())


def test_a_batch_without_the_teachers_picture_is_refused(distil, pairs):
    with pytest.raises(DataError, match='pair 0/0'):
        distil().training_step(pairs._replace(rgb=None), 0)
