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

from xspec_ros.config import convert
from xspec_ros.errors import ConfigError
from xspec_ros.learn.methods.masked_mutual.args import MaskedMutualArgs


@pytest.mark.parametrize(
    ('arguments', 'weight'),
    [({}, 1.0), ({'psl': 'official'}, 20.0), ({'psl': 'official', 'psl_weight': 3.0}, 3.0)],
)
def test_each_form_of_the_night_term_has_its_weight(arguments, weight):
    assert MaskedMutualArgs(**arguments).night_weight() == weight


@pytest.mark.parametrize(
    ('arguments', 'frozen'),
    [
        ({}, False),
        ({'stage': 2}, True),
        ({'stage': 2, 'prototypes': 'ema'}, False),
        ({'prototypes': 'frozen'}, True),
    ],
)
def test_prototypes_are_frozen_in_stage_two_unless_told(arguments, frozen):
    assert MaskedMutualArgs(**arguments).frozen() is frozen


@pytest.mark.parametrize(
    'arguments', [{'stage': 3}, {'theta': 1.5}, {'tau': 0.0}, {'mml': {'mask': 'soft'}}]
)
def test_values_that_make_no_sense_are_refused(arguments):
    with pytest.raises(ConfigError, match=next(iter(arguments))):
        convert(arguments, MaskedMutualArgs, 'method.arguments')
