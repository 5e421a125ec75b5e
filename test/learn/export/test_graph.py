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

"""The ONNX file: one, small, without traces of where it was made."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from safetensors.torch import load_file
import torch

from xspec_ros.bundle.store import open_bundle
from xspec_ros.engines.engine import INPUTS, OUTPUT_NAMES
from xspec_ros.learn.export.graph import graph_bytes, strip_traces
from xspec_ros.learn.models import build_network
from xspec_ros.learn.models.deploy import deploy
from xspec_ros.learn.models.student import DetLevel, StudentOutput


class Small(torch.nn.Module):
    """The least that looks like a student; with a branch that only training uses."""

    def __init__(self, *, teacher: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stem = torch.nn.Conv2d(1, 4, 8, stride=8)
        if teacher:
            self.projector = torch.nn.Linear(4, 64)

    def forward(self, x):
        y = self.stem(x)
        wide = torch.cat((y, y[:, :1]), 1)
        det = [DetLevel(cls=y[:, :3], box=wide[:, 1:5], obj=y[:, :1], stride=8)]
        return StudentOutput(seg_logits=torch.nn.functional.pixel_shuffle(wide[:, 1:], 2), det=det)


@pytest.fixture(scope='module')
def graph():
    return graph_bytes(deploy(Small(teacher=False), 'thermal', (32, 64)))


def test_inputs_and_outputs_are_those_of_the_bundle_format(graph):
    model = onnx.load_from_string(graph)
    assert tuple(item.name for item in model.graph.input) == INPUTS['thermal']
    assert tuple(item.name for item in model.graph.output) == OUTPUT_NAMES
    dims = model.graph.input[0].type.tensor_type.shape.dim
    assert [dim.dim_param for dim in dims] == ['', 'height', 'width', 'bytes']
    assert {item.domain for item in model.opset_import} <= {'', 'pkg.torch'}


def test_training_only_branches_never_reach_the_graph(graph):
    assert graph_bytes(deploy(Small(teacher=True), 'thermal', (32, 64))) == graph


def test_no_path_of_this_machine_stands_in_the_file(graph):
    assert str(Path(__file__).resolve().parents[3]).encode() not in graph
    assert b'.py' not in graph


def test_traces_are_stripped_everywhere():
    node = onnx.helper.make_node('Relu', ['x'], ['y'], doc_string='somewhere/model.py')
    value = onnx.helper.make_tensor_value_info('x', onnx.TensorProto.FLOAT, [1])
    answer = onnx.helper.make_tensor_value_info('y', onnx.TensorProto.FLOAT, [1])
    model = onnx.helper.make_model(onnx.helper.make_graph([node], 'g', [value], [answer]))
    model.graph.node[0].metadata_props.add(key='trace', value='somewhere/model.py')
    strip_traces(model)
    assert b'somewhere' not in model.SerializeToString()


@pytest.mark.parametrize('mode', ['thermal', 'fused', 'rgb'])
def test_each_mode_has_its_inputs_and_no_more(fused_bundle, mode):
    model = onnx.load(fused_bundle / f'{mode}.fp32.onnx')
    assert tuple(item.name for item in model.graph.input) == INPUTS[mode]
    assert tuple(item.name for item in model.graph.output) == OUTPUT_NAMES
    if mode == 'fused':
        sizes = [[d.dim_param for d in i.type.tensor_type.shape.dim] for i in model.graph.input]
        assert sizes[0][1:3] == sizes[1][1:3]
    used = {name for node in model.graph.node for name in node.input}
    assert {item.name for item in model.graph.initializer} <= used


def test_the_thermal_graph_holds_nothing_of_the_other_paths(fused_bundle):
    """Without the RGB encoder and the fused norms, the same file comes out."""
    manifest = open_bundle(fused_bundle).manifest
    network = build_network('fusion', manifest.network.arguments)
    network.load_state_dict(load_file(fused_bundle / 'weights.safetensors'))
    del network.rgb, network.fused
    alone = graph_bytes(deploy(network.thermal, 'thermal', manifest.input.network_hw), 'thermal')
    assert alone == (fused_bundle / 'thermal.fp32.onnx').read_bytes()
