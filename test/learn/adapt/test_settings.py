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

"""The settings and how they are changed."""

from __future__ import annotations

import pytest

from xspec_ros.errors import ConfigError
from xspec_ros.learn.adapt.settings import AdaptSettings, settings_with


def test_one_value_changes_and_the_rest_stays():
    changed = settings_with(['lr=1e-4', 'photo.noise=0.02', 'arguments.beta=0.7'])
    plain = AdaptSettings()
    assert (changed.lr, changed.photo.noise) == (1e-4, 0.02)
    assert changed.photo.gain == plain.photo.gain
    assert changed.arguments == plain.arguments | {'beta': 0.7}
    assert settings_with() == plain


@pytest.mark.parametrize(
    ('text', 'word'),
    [
        ('framse=3', 'frames'),
        ('lr=-1', 'lr'),
        ('least_aside=1', 'least_aside'),
        ('least_aside=30', 'least_frames'),
        ('frames', 'key=value'),
    ],
)
def test_what_makes_no_sense_is_refused(text, word):
    with pytest.raises(ConfigError) as caught:
        settings_with([text])
    assert word in str(caught.value)


def test_the_model_is_not_let_go_of_and_no_class_may_vanish():
    arguments = AdaptSettings().arguments
    assert arguments['gamma_end'] == 0.3
    assert arguments['diversity'] == 0.01
