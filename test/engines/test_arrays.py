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

"""Inputs by name, views kept, wrong shapes named."""

from __future__ import annotations

import numpy as np
import pytest

from xspec_ros.engines.arrays import check_names, graph_inputs
from xspec_ros.engines.engine import INPUTS, OUTPUT_NAMES
from xspec_ros.errors import EngineError

PICTURE = np.zeros((4, 6, 2), np.uint8)


def test_a_picture_stays_where_it_is():
    feeds = graph_inputs(INPUTS['thermal'], thermal=PICTURE, rgb=None, tone=(1.0, 2.0))
    assert feeds['thermal'].shape == (1, 4, 6, 2)
    assert np.shares_memory(feeds['thermal'], PICTURE)
    assert feeds['tone'].dtype == np.float32


@pytest.mark.parametrize(
    'picture',
    [None, PICTURE[..., 0], np.zeros((4, 6, 3), np.uint8), PICTURE.astype(np.uint16)],
)
def test_what_the_graph_cannot_take_is_refused(picture):
    with pytest.raises(EngineError, match='thermal'):
        graph_inputs(INPUTS['thermal'], thermal=picture, rgb=None, tone=(0.0, 1.0))


def test_a_picture_the_graph_does_not_ask_for_is_left_out():
    feeds = graph_inputs(('rgb',), thermal=PICTURE, rgb=np.zeros((4, 6, 3), np.uint8), tone=(0, 1))
    assert set(feeds) == {'rgb'}


def test_a_foreign_graph_is_refused():
    check_names(INPUTS['thermal'], OUTPUT_NAMES, 'here', mode='thermal')
    with pytest.raises(EngineError, match='images'):
        check_names(('images',), ('output0',), 'here', mode='thermal')
