from __future__ import annotations

import pytest

from xspec_ros.report.data import FrameNote


@pytest.fixture
def notes():
    """Return a function that makes notes of answered frames, the first the worst."""

    def make(count=20, *, judged=True):
        return tuple(
            FrameNote(
                time_s=index / 10,
                outcome='answered',
                stamp_ns=index,
                confidence=1 - index / count,
                score=index / count if judged else None,
                total_ms=2.0 + index,
            )
            for index in range(count)
        )

    return make
