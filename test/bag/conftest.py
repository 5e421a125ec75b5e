from __future__ import annotations

from contextlib import contextmanager
import resource
import signal

import pytest


@pytest.fixture
def small_disk():
    """Return a context in which files grow to so many bytes only, as on a full disk."""

    @contextmanager
    def limit(size):
        old = resource.getrlimit(resource.RLIMIT_FSIZE)
        handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, old[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, old)
            signal.signal(signal.SIGXFSZ, handler)

    return limit
