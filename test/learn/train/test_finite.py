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

"""Steps that are not finite: refused before the optimiser, with names and the batch."""

from __future__ import annotations

import pytest
from safetensors.torch import load_file
import torch
from torch import nn

from xspec_ros.errors import DataError
from xspec_ros.learn.batch import Batch, StepOutput
from xspec_ros.learn.methods.supervised.method import Supervised
from xspec_ros.learn.train import assemble as assemble_module
from xspec_ros.learn.train.finite import check_finite, Part
from xspec_ros.learn.train.run import run_recipe, RunOptions


def some_batch():
    return Batch(
        thermal=torch.rand(1, 1, 4, 4),
        rgb=None,
        label_map=torch.zeros(1, 4, 4, dtype=torch.int64),
        inside=torch.ones(1, 4, 4, dtype=torch.bool),
        has_masks=torch.ones(1, dtype=torch.bool),
        mask_classes=torch.ones(1, 2, dtype=torch.bool),
        boxes_xyxy=torch.zeros(1, 1, 4),
        box_classes=torch.zeros(1, 1, dtype=torch.int64),
        box_crowd=torch.zeros(1, 1, dtype=torch.bool),
        has_boxes=torch.ones(1, dtype=torch.bool),
        day=torch.zeros(1, dtype=torch.int64),
        names=('a',),
    )


def part(**terms):
    return Part(some_batch(), StepOutput.total({k: torch.tensor(v) for k, v in terms.items()}))


def check(parts, folder, *, norm=1.0, module=None):
    module = nn.Linear(1, 1) if module is None else module
    check_finite(parts, torch.tensor(norm), module, step=3, folder=folder)


def test_a_finite_step_passes(tmp_path):
    check([part(seg=1.0), part(seg=2.0)], tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize('bad', [float('nan'), float('inf')])
def test_the_guilty_term_is_named_and_its_batch_saved(tmp_path, bad):
    with pytest.raises(DataError, match='loss is not finite at step 3: box') as caught:
        check([part(seg=1.0, box=1.0), part(seg=1.0, box=bad)], tmp_path)
    (saved,) = tmp_path.iterdir()
    assert str(saved) in str(caught.value)
    assert load_file(saved)['thermal'].shape == (1, 1, 4, 4)


def test_terms_that_only_overflow_together_are_named_so(tmp_path):
    with pytest.raises(DataError, match='at step 3: the sum'):
        check([part(seg=3e38, box=3e38)], tmp_path)


def test_a_gradient_is_named_by_its_parameters(tmp_path):
    module = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    for number, parameter in enumerate(module.parameters()):
        parameter.grad = torch.full_like(parameter, float('nan') if number == 2 else 1.0)
    with pytest.raises(DataError, match=r'gradient is not finite at step 3: 1\.weight'):
        check([part(seg=1.0), part(seg=1.0)], tmp_path, norm=float('nan'), module=module)
    assert len(list(tmp_path.iterdir())) == 2  # any of the step's batches may be the reason


class Poisoned(Supervised):
    """At step 2 the term ``cls`` or the gradient goes wrong, the rest being as usual."""

    poison = 'loss'

    def training_step(self, batch, step):
        out = super().training_step(batch, step)
        if step != 2:
            return out
        if self.poison == 'loss':
            return StepOutput(
                out.loss * float('nan'), out.terms | {'cls': torch.tensor(torch.nan)}
            )
        weight = self.student.segmentation.classifier.weight
        return StepOutput(out.loss + (weight * 0).abs().sqrt().sum(), out.terms)  # slope 0 / 0


class PoisonedGradient(Poisoned):
    poison = 'gradient'


@pytest.mark.parametrize('settings', [(), ('train.precision=bf16-mixed', 'train.accumulate=2')])
@pytest.mark.parametrize(
    ('method', 'words'),
    [
        (Poisoned, 'loss is not finite at step 2: cls'),
        (
            PoisonedGradient,
            r'gradient is not finite at step 2: student\.segmentation\.classifier\.weight - ',
        ),
    ],
)
def test_a_run_stops_before_the_step_that_would_spoil_it(
    toy_recipe, tmp_path, monkeypatch, method, words, settings
):
    monkeypatch.setitem(assemble_module.METHODS, 'supervised', method)
    recipe = toy_recipe('train.save_every=1', *settings)
    with pytest.raises(DataError, match=words) as caught:
        run_recipe(recipe, RunOptions(out=tmp_path / 'run'))
    saved = list((tmp_path / 'run').glob('nonfinite_step_000002*.safetensors'))
    assert len(saved) == (2 if settings else 1)
    assert all(str(path) in str(caught.value) for path in saved)
    assert load_file(saved[0])['thermal'].shape == (2, 1, 64, 96)
    monkeypatch.undo()
    whole = run_recipe(recipe, RunOptions(out=tmp_path / 'whole'))
    resumed = run_recipe(recipe, RunOptions(out=tmp_path / 'run', resume=True))
    weights = [load_file(each.checkpoint / 'weights.safetensors') for each in (whole, resumed)]
    assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])
