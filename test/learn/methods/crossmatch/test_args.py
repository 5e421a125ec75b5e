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

"""Arguments of the method."""

from __future__ import annotations

import pytest

from xspec_ros.config import convert
from xspec_ros.errors import ConfigError
from xspec_ros.learn.methods import METHODS
from xspec_ros.learn.methods.crossmatch.args import CrossmatchArgs


def test_the_defaults_are_those_of_a_cold_start():
    args = CrossmatchArgs()
    assert (args.gamma_start, args.gamma_end, args.diversity) == (1.0, 0.0, 0.0)
    assert (args.auxiliary, args.denoise, args.share_head) == ('rgb', 'product', False)
    assert METHODS['crossmatch'].args_type is CrossmatchArgs
    assert METHODS['crossmatch'].needs.teacher


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ({'view': {'cutouts': [6, 3]}}, 'cutouts'),
        ({'view': {'side': [0.5, 0.1]}}, 'side'),
        ({'auxiliary': 'depth'}, 'depth'),
        ({'ema': 1.5}, 'ema'),
        ({'gama_end': 0.3}, 'gamma_end'),
    ],
)
def test_values_that_make_no_sense_are_refused(arguments, message):
    with pytest.raises(ConfigError, match=message):
        convert(arguments, CrossmatchArgs, 'method.arguments')
