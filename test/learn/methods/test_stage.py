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

"""The state of an earlier stage fits as a whole or not at all."""

from __future__ import annotations

import pytest
import torch

from xspec_ros.errors import DataError
from xspec_ros.learn.methods.method import Start
from xspec_ros.learn.methods.stage import take_stage


def start(state):
    return Start(method='crm', modality='thermal', network={}, state=state)


def test_the_state_is_taken():
    earlier, later = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    take_stage(later, start(earlier.state_dict()))
    assert torch.equal(later.weight, earlier.weight)


@pytest.mark.parametrize('state', [{}, torch.nn.Linear(3, 2).state_dict()])
def test_another_state_is_refused(state):
    with pytest.raises(DataError, match='crm does not fit'):
        take_stage(torch.nn.Linear(2, 2), start(state))
