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

from xspec_ros.errors import ConfigError, DataError
from xspec_ros.learn.methods.crossmatch.args import CrossmatchArgs
from xspec_ros.learn.methods.crossmatch.method import Crossmatch
from xspec_ros.learn.methods.method import Start

PIXELS = {'seg', 'seg_auxiliary', 'consistency', 'consistency_auxiliary'}
STILL = {'gain': 0, 'offset': 0, 'gamma': 1, 'blur': 0, 'noise': 0, 'cutouts': (0, 0)}
STILL |= {'colour': 0, 'rgb_dropout': 0}
ALONE = {'auxiliary': 'none', 'detection': 0}


def test_a_resumed_run_goes_on_as_if_never_stopped(crossmatch, pairs, steps):
    whole = crossmatch(tau_momentum=0.5, ema=0.9)
    steps(whole, pairs, 2)
    again = crossmatch(begun=False, tau_momentum=0.5, ema=0.9)
    again.load_state_dict({k: v.clone() for k, v in whole.state_dict().items()})
    torch.manual_seed(123)  # whatever another process would have
    assert torch.equal(steps(whole, pairs, 1, first=2)[0], steps(again, pairs, 1, first=2)[0])
    state = again.state_dict()
    for name, value in whole.state_dict().items():
        assert torch.equal(value, state[name]), name


def test_without_the_other_network_its_terms_are_all_that_is_missing(crossmatch, pairs, steps):
    """Step for step: labels of the source, no consistency."""
    plain = {'denoise': 'source', 'consistency': 0.0, 'detection': 0.0}
    one, other = crossmatch(**plain), crossmatch(auxiliary='none', **plain)
    steps(one, pairs, 3)
    steps(other, pairs, 3)
    ours, theirs = one.student.state_dict(), other.student.state_dict()
    assert all(torch.equal(value, theirs[name]) for name, value in ours.items())


def test_the_plainest_form_is_training_on_the_sources_labels(crossmatch, source, pairs):
    method = crossmatch(**ALONE, denoise='source', consistency=0.0, view=STILL)
    plain = copy.deepcopy(method.student)

    def fine(z):
        return torch.nn.functional.interpolate(z, size=(32, 32), mode='bilinear')

    with torch.no_grad():
        p, y = fine(source()(pairs.rgb).seg_logits).softmax(dim=1).max(dim=1)
    y = torch.where(p > 0.3, y, -100)
    assert bool((y != -100).any())
    z = fine(plain(pairs.thermal).seg_logits)
    torch.nn.functional.cross_entropy(z, y, ignore_index=-100).backward()
    method.training_step(pairs, 5).loss.backward()
    ours, theirs = (
        torch.cat([p.grad.flatten() for p in network.parameters() if p.grad is not None])
        for network in (method.student, plain)
    )
    assert float((ours - theirs).norm() / theirs.norm()) < 1e-4


def test_without_box_losses_the_detection_heads_stand_still(crossmatch, pairs, steps):
    method = crossmatch(detection=0.0)
    heads = (method.student.detection, method.auxiliary.thermal.detection)
    before = [copy.deepcopy(head.state_dict()) for head in heads]
    steps(method, pairs, 2)
    for head, kept in zip(heads, before, strict=True):
        assert all(torch.equal(value, kept[name]) for name, value in head.state_dict().items())
    assert set(method.training_step(pairs, 5).terms) == PIXELS


def test_four_pairs_are_learnt_by_heart(crossmatch, pairs, run):
    method = crossmatch(begun=False, denoise='source', consistency=0.0, view=STILL)
    losses = run(method, pairs, 200, until=0.19)
    assert losses[-1] < 0.2 * losses[0]


@pytest.mark.usefixtures('shallow_encoders')
@pytest.mark.parametrize(('encoder', 'auxiliary'), [('mit_b0', 'rgb'), ('resnet50', 'none')])
def test_larger_encoders_take_a_step(context, source, pairs, rows, encoder, auxiliary):
    pytest.importorskip('transformers')
    made = context('student', teacher=source(), encoder=encoder)
    method = Crossmatch(made, CrossmatchArgs(auxiliary=auxiliary, detection=0.0))
    out = method.training_step(rows(pairs, [0, 1]), 5)
    out.loss.backward()
    assert torch.isfinite(out.loss)


def start(method, name='crossmatch', **values):
    given = {'network': {}, 'state': method.state_dict(), 'modality': 'thermal', **values}
    return Start(method=name, **given)


def test_it_begins_from_itself_exactly(crossmatch, pairs, steps):
    earlier = crossmatch(tau_momentum=0.5)
    steps(earlier, pairs, 2)
    later = crossmatch(begun=False)
    later.begin(start(earlier))
    state = later.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in earlier.state_dict().items())
    assert int(later.teachers.moves) == 2
    with pytest.raises(DataError, match='does not fit'):
        crossmatch(auxiliary='none', begun=False).begin(start(earlier))


def test_a_source_fills_every_network_and_the_teachers(crossmatch, source, pairs):
    method = crossmatch()
    grey = source()(pairs.thermal.expand(-1, 3, -1, -1)).seg_logits
    for network in (method.student, method.auxiliary.thermal):
        torch.testing.assert_close(
            network.eval()(pairs.thermal).seg_logits, grey, rtol=1e-3, atol=1e-3
        )
    rgb = source().backbone(pairs.rgb)
    for ours, theirs in zip(method.auxiliary.second.eval().backbone(pairs.rgb), rgb, strict=True):
        assert torch.equal(ours, theirs)
    kept = method.teachers.networks['thermal'].state_dict()
    assert all(torch.equal(v, kept[name]) for name, v in method.student.state_dict().items())


def test_a_start_of_the_other_camera_leaves_rgb_to_the_source(crossmatch, context, source, pairs):
    """A thermal network begins both heads; the RGB backbone is the RGB source's."""
    thermal = source('thermal', seed=3)
    method = crossmatch(begun=False)
    method.begin(start(method, 'supervised', network=thermal.state_dict()))
    assert torch.equal(
        method.auxiliary.thermal.backbone.stem[0].weight, thermal.backbone.stem[0].weight
    )
    assert torch.equal(
        method.auxiliary.second.backbone.stem[0].weight, source().backbone.stem[0].weight
    )


def test_networks_it_cannot_train_or_learn_from_are_refused(context, source):
    args = CrossmatchArgs()
    with pytest.raises(ConfigError, match='FusionNetwork'):
        Crossmatch(context('fusion', teacher=source()), args)
    with pytest.raises(ConfigError, match='rgb'):
        Crossmatch(context('student', modality='rgb', teacher=source()), args)
    with pytest.raises(ConfigError, match='no source'):
        Crossmatch(context('student'), args)
    with pytest.raises(ConfigError, match='is a FusionNetwork'):
        Crossmatch(context('student', teacher=context('fusion').student), args)


@pytest.mark.parametrize(('camera', 'refused'), [('rgb', True), ('thermal', False)])
def test_an_rgb_source_that_never_sees_the_day_is_refused(crossmatch, night, camera, refused):
    method = crossmatch(camera, steps=2, **ALONE)
    method.training_step(night, 0)
    method.after_step(0)
    method.training_step(night, 1)
    if refused:
        with pytest.raises(DataError, match='no picture by day in the first 2 steps'):
            method.after_step(1)
    else:
        method.after_step(1)


def test_training_leaves_no_trace_in_the_deployed_network(
    crossmatch, pairs, deploys_as_plain, steps
):
    method = crossmatch()
    steps(method, pairs, 1)
    deploys_as_plain(method.student)


def gradients(method, batch):
    """Return the gradients of a step with the norms frozen, and the thresholds after it."""
    method.eval().training_step(batch, 5).loss.backward()
    method.after_step(5)
    found = {name: p.grad for name, p in method.named_parameters() if p.grad is not None}
    return found | {'medians': method.medians.clone()}


def test_two_processes_have_the_gradients_of_one(
    crossmatch, mixed, rows, two_processes, assert_mean
):
    """Also where one of them has all the day and the other all the night."""
    method = crossmatch(diversity=0.1, tau_momentum=0.5)
    halves = [rows(mixed, (0, 1)), rows(mixed, (2, 3))]
    shared = two_processes(lambda half: gradients(method, half), halves)
    alone = gradients(method, mixed)
    assert_mean(shared, alone, floor=1e-9)
