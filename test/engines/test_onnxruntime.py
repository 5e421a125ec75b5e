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

"""onnxruntime computes what an int8 graph means, on processors that saturate too."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper, numpy_helper, TensorProto
import pytest

from xspec_ros.engines.machine import fast_int8
from xspec_ros.engines.onnxruntime import open_session

WEIGHT, VALUE, CHANNELS, STEP = 127, 255, 16, 4096.0
RIGHT = STEP * round(WEIGHT * VALUE * CHANNELS / STEP)  # two products exceed 16 bits


@pytest.fixture
def saturating(tmp_path):
    """File of a quantised convolution whose sums do not fit where pairs are added in 16 bits."""
    weights = np.full((CHANNELS, CHANNELS, 1, 1), WEIGHT, np.int8)
    values = {
        'one': np.float32(1),
        'step': np.float32(STEP),
        'zero': np.uint8(0),
        'zero_w': np.int8(0),
        'w8': weights,
    }
    nodes = [
        helper.make_node('QuantizeLinear', ['x', 'one', 'zero'], ['x8']),
        helper.make_node('DequantizeLinear', ['x8', 'one', 'zero'], ['xq']),
        helper.make_node('DequantizeLinear', ['w8', 'one', 'zero_w'], ['w']),
        helper.make_node('Conv', ['xq', 'w'], ['sum']),
        helper.make_node('QuantizeLinear', ['sum', 'step', 'zero'], ['sum8']),
        helper.make_node('DequantizeLinear', ['sum8', 'step', 'zero'], ['y']),
    ]
    shape = [1, CHANNELS, 8, 8]
    graph = helper.make_graph(
        nodes,
        'saturating',
        [helper.make_tensor_value_info('x', TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info('y', TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in values.items()],
    )
    opset = helper.make_opsetid('', 18)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=9), tmp_path / 'a.onnx')
    return tmp_path / 'a.onnx'


def answer(path, **options):
    session = open_session(path, **options)
    return session.run(None, {'x': np.full((1, CHANNELS, 8, 8), VALUE, np.float32)})[0]


def test_int8_is_exact_on_every_processor(saturating):
    assert answer(saturating, exact_int8=not fast_int8()) == pytest.approx(RIGHT)


def test_exact_int8_may_be_asked_for_anywhere(saturating):
    assert answer(saturating, exact_int8=True) == pytest.approx(RIGHT)
