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
