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

import pytest
import torch

from xspec_ros.errors import DataError
from xspec_ros.learn.models import build_network
from xspec_ros.learn.models.transfer import take_weights


def network(channels, **arguments):
    torch.manual_seed(channels)
    sizes = {'num_classes': 4, 'num_detection_classes': 3, 'width': 0.25}
    return build_network('student', {**sizes, 'in_channels': channels, **arguments}).eval()


def test_an_rgb_network_answers_thermal_as_grey_rgb():
    rgb, thermal = network(3), network(1)
    assert take_weights(thermal, rgb.state_dict()) == []
    x = torch.rand(1, 1, 64, 64)
    grey = x.expand(1, 3, 64, 64)
    assert torch.allclose(thermal(x).seg_logits, rgb(grey).seg_logits, atol=1e-4)


def test_a_thermal_network_answers_grey_rgb_as_thermal():
    rgb, thermal = network(3), network(1)
    take_weights(rgb, thermal.state_dict())
    x = torch.rand(1, 1, 64, 64)
    answers = rgb(x.expand(1, 3, 64, 64)).seg_logits, thermal(x).seg_logits
    assert torch.allclose(*answers, atol=1e-4)


def test_names_that_stay_as_they_were_are_told():
    with_norms = network(1, level_norms=True)
    left = take_weights(with_norms, network(1).state_dict())
    assert left
    assert all(name.startswith('level_norms.') for name in left)


def test_weights_of_something_else_are_refused():
    with pytest.raises(DataError, match='none of 1 weights fits'):
        take_weights(network(1), {'elsewhere': torch.zeros(3)})
