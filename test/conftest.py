"""Fixtures that several folders use."""

from __future__ import annotations

import pytest


@pytest.fixture(scope='session')
def tiny_bundle(tmp_path_factory):
    """Folder of a small valid bundle with random weights (exported once a test process)."""
    pytest.importorskip('torch')
    import torch

    from xspec_ros.learn.export import export_untrained

    torch.set_num_threads(1)
    return export_untrained(tmp_path_factory.mktemp('bundle') / 'tiny').path
