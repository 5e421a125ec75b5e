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
from xspec_ros.learn.methods.ccdistill.args import CcDistillArgs

NOTHING = {'source_night': 0, 'content': 0, 'style': 0}


def parse(**arguments):
    return convert(arguments, CcDistillArgs, 'method.arguments')


@pytest.mark.parametrize(
    ('arguments', 'domains'),
    [
        ({}, {'sn', 'ts', 'tn'}),
        (NOTHING, set()),
        ({**NOTHING, 'source_night': 1}, {'sn'}),
        ({**NOTHING, 'content': 1}, {'sn', 'ts'}),
        ({**NOTHING, 'content': 1, 'night_match': 'none'}, {'sn', 'tn'}),
        ({**NOTHING, 'style': 1}, {'sn', 'tn'}),
        ({**NOTHING, 'self_training': 1}, {'tn'}),
        ({**NOTHING, 'night_match': 'none'}, set()),
    ],
)
def test_only_what_is_weighed_is_looked_at(arguments, domains):
    args = parse(**arguments)
    seen = {
        'sn': args.sees_source_night(),
        'ts': args.sees_synthetic_night(),
        'tn': args.sees_night(),
    }
    assert {name for name, needed in seen.items() if needed} == domains


@pytest.mark.parametrize(
    'arguments',
    [{'night_match': 'list'}, {'content': -1}, {'grid': [0, 5]}, {'ema': 1.5}, {'styles': 1}],
)
def test_what_makes_no_sense_is_refused(arguments):
    with pytest.raises(ConfigError):
        parse(**arguments)
