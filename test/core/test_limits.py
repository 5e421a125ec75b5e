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

"""Limits that make no sense are refused where they are written down."""

from __future__ import annotations

import math

import pytest

from xspec_ros.core.limits import DecodeLimits


@pytest.mark.parametrize(
    'span', [(300.0, 300.0), (400.0, 300.0), (math.nan, 300.0), (0, math.inf)]
)
def test_a_float_range_needs_low_below_high(span):
    with pytest.raises(ValueError, match='float_range_k'):
        DecodeLimits(float_range_k=span)
