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

from __future__ import annotations

import subprocess
import sys

import numpy as np
import onnxruntime
import pytest
from safetensors.torch import load_file
import torch

from xspec_ros.errors import ConfigError
from xspec_ros.learn.models.encoders import build_encoder, by_own_names, ENCODERS
from xspec_ros.learn.models.student import Student
from xspec_ros.learn.train.run import run_recipe, RunOptions

MIT = [64, 128, 320, 512]
SWIN = [96, 192, 384, 768]
# Widths and millions of parameters (without a classifier) as the papers have them.
SIZES = {
    'resnet50': ([256, 512, 1024, 2048], 23.5),
    'mit_b0': ([32, 64, 160, 256], 3.3),
    'mit_b1': (MIT, 13.1),
    'mit_b2': (MIT, 24.2),
    'mit_b3': (MIT, 44.1),
    'swin_t': (SWIN, 27.5),
    'swin_s': (SWIN, 48.8),
    'swin_b': ([128, 256, 512, 1024], 86.7),
    'convnext_t': (SWIN, 27.8),
}


@pytest.mark.parametrize('name', SIZES)
def test_an_encoder_has_the_widths_and_size_of_its_paper(name):
    with torch.device('meta'):
        encoder = build_encoder(name, 3)
    widths, millions = SIZES[name]
    assert encoder.widths == widths
    count = sum(parameter.numel() for parameter in encoder.parameters())
    assert count / 1e6 == pytest.approx(millions, abs=0.06)


@pytest.mark.parametrize('name', ['light', 'resnet50', 'mit_b0', 'swin_t', 'convnext_t'])
@pytest.mark.parametrize(('channels', 'size_hw'), [(1, (32, 96)), (3, (160, 64))])
def test_levels_have_strides_4_to_32_at_any_multiple_of_32(name, channels, size_hw):
    encoder = build_encoder(name, channels).train()
    height, width = size_hw
    levels = encoder(torch.rand(2, channels, *size_hw))
    for level, count, stride in zip(levels, encoder.widths, (4, 8, 16, 32), strict=True):
        assert level.shape == (2, count, height // stride, width // stride)
    sum(level.mean() for level in levels).backward()
    unused = [name for name, weight in encoder.named_parameters() if weight.grad is None]
    assert unused == []  # processes that train together would wait for them


def test_all_names_are_tried_here():
    assert {'light', *SIZES} == set(ENCODERS)


def test_an_unknown_encoder_is_refused():
    with pytest.raises(ConfigError, match='unknown encoder') as caught:
        build_encoder('vgg16', 1)
    assert 'mit_b0' in str(caught.value.hint)


def test_the_light_encoder_imports_no_library():
    program = (
        'import sys; from xspec_ros.learn.models.encoders import build_encoder; '
        "build_encoder('light', 1); sys.exit('transformers' in sys.modules)"
    )
    assert subprocess.run([sys.executable, '-c', program], check=False).returncode == 0


@pytest.mark.usefixtures('shallow_encoders')
@pytest.mark.parametrize('name', ['resnet50', 'mit_b0'])
def test_a_step_is_trained_and_the_checkpoint_written(toy_recipe, tmp_path, name):
    small = ('train.steps=1', 'train.crop_hw=[64, 64]', 'train.lr=1e-3', 'train.warmup=0')
    recipe = toy_recipe(*small, f'network.arguments={{width: 0.25, encoder: {name}}}')
    report = run_recipe(recipe, RunOptions(out=tmp_path / 'run'))
    weights = load_file(report.checkpoint / 'weights.safetensors')
    assert any(key.startswith('backbone.model.') for key in weights)
    assert all(bool(tensor.isfinite().all()) for tensor in weights.values())


class Answers(torch.nn.Module):
    """A student's raw answers as plain tensors: suppression would reorder equal scores."""

    def __init__(self, student):
        super().__init__()
        self.student = student

    def forward(self, x):
        output = self.student(x)
        return output.seg_logits, *(t for d in output.det for t in (d.cls, d.box, d.obj))


@pytest.mark.usefixtures('shallow_encoders')
@pytest.mark.parametrize('name', ['mit_b0', 'swin_t'])
def test_an_exported_student_answers_like_the_network(name):
    torch.manual_seed(0)
    answers = Answers(Student(3, 2, width=0.25, encoder=name)).eval()
    x = torch.rand(1, 1, 64, 96)
    with torch.no_grad():
        program = torch.onnx.export(answers, (x,), dynamo=True, opset_version=18, verbose=False)
        expected = answers(x)
    session = onnxruntime.InferenceSession(program.model_proto.SerializeToString())
    given = {session.get_inputs()[0].name: x.numpy()}
    for mine, theirs in zip(session.run(None, given), expected, strict=True):
        np.testing.assert_allclose(mine, theirs.numpy(), atol=1e-5)


@pytest.mark.parametrize(
    ('encoder', 'family'),
    [
        ('mit_b0', 'segformer'),
        ('resnet50', 'resnet'),
        ('convnext_t', 'convnext'),
        ('swin_t', 'swin'),
    ],
)
def test_weights_of_the_library_are_found_under_the_own_names(encoder, family):
    with torch.device('meta'):
        names = list(Student(3, 2, width=0.25, encoder=encoder).state_dict())
    inside = 'backbone.model.' + ('swin.' if family == 'swin' else '')
    own = next(name for name in names if name.startswith(inside) and name.endswith('weight'))
    tail = own.removeprefix(inside)
    tensor = torch.ones(1)
    for published in (f'{family}.{tail}', tail):
        found = by_own_names({published: tensor, 'classifier.weight': tensor}, names)
        assert found[own] is tensor
    pair = by_own_names({f'{family}.{tail}': tensor}, ['thermal.' + own, 'rgb.' + own])
    assert pair['thermal.' + own] is pair['rgb.' + own] is tensor


def test_a_networks_own_weights_stay_as_they_are():
    own, other = torch.ones(1), torch.zeros(1)
    weights = {'backbone.model.encoder.a': own, 'encoder.a': other, 'head.a': own}
    found = by_own_names(weights, ['backbone.model.encoder.a', 'head.a'])
    assert found == weights
