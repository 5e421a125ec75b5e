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

"""What a recipe may ask of the method."""

from __future__ import annotations

import pytest

from xspec_ros.config import convert
from xspec_ros.errors import ConfigError
from xspec_ros.learn.methods.cgdet.args import CgdetArgs


def args(**values):
    return convert(values, CgdetArgs, 'method.arguments')


def test_the_defaults_are_those_of_the_page():
    plain = args()
    assert (plain.contrast_weight, plain.guidance_weight, plain.ramp) == (0.2, 5.0, 0.05)
    assert (plain.tau, plain.gamma, plain.roi_size, plain.embedding) == (0.1, 1.0, 7, 128)
    assert plain.guidance == 'correlation'
    assert (plain.queue, plain.background, plain.night_score) == (0, 0, None)
    assert plain.base.box == 3.0


def test_weights_of_plain_training_are_a_section():
    assert args(base={'box': 5.0, 'class_weights': {'car': 2.0}}).base.box == 5.0


@pytest.mark.parametrize(
    'wrong',
    [
        {'tau': 0.0},
        {'gamma': 1.5},
        {'roi_size': 0},
        {'guidance': 'l2'},
        {'levels': 'some'},
        {'projector': 'none'},
        {'base': {'boxx': 1.0}},
        {'lambda_rcs': 1.0},
    ],
)
def test_nonsense_is_refused(wrong):
    with pytest.raises(ConfigError):
        args(**wrong)
