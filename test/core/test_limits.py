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
