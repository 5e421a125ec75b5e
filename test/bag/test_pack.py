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

import numpy as np
import pytest

from xspec_ros.bag.pack import as_bits
from xspec_ros.errors import DataError


def test_sixteen_bits_keep_the_order_of_values():
    counts = as_bits(np.arange(256, dtype=np.uint8).reshape(16, 16), 16)
    assert counts.dtype == np.uint16
    assert np.all(np.diff(counts.ravel().astype(int)) > 0)
    assert counts.max() < 2**14
    with pytest.raises(DataError):
        as_bits(counts, 8)
