"""A bundle whose graphs are a few bytes: what the store checks, it checks without an engine."""

from __future__ import annotations

import pytest

from xspec_ros.bundle.manifest import (
    InputContract,
    Manifest,
    Network,
    Precision,
    SCHEMA_VERSION,
    Thresholds,
)
from xspec_ros.bundle.store import write_bundle
from xspec_ros.core.labels import DEFAULT_CLASSES, DEFAULT_DETECTION_CLASSES

FILES = {
    'thermal.fp32.onnx': b'graph',
    'weights.safetensors': b'weights',
    'README.md': b'card',
}


@pytest.fixture
def manifest():
    """A manifest that holds together."""
    arguments = {'num_classes': 11, 'num_detection_classes': 3}
    return Manifest(
        schema_version=SCHEMA_VERSION,
        name='sample',
        tasks=('segmentation', 'detection'),
        network=Network(name='student', arguments=arguments),
        classes=DEFAULT_CLASSES,
        detection_classes=DEFAULT_DETECTION_CLASSES,
        input=InputContract(),
        thresholds=Thresholds(),
        precisions={'fp32': Precision(graphs={'thermal': 'thermal.fp32.onnx'})},
        files={},
    )


@pytest.fixture
def bundle(tmp_path, manifest):
    """The same, on disk."""
    return write_bundle(tmp_path / 'model', manifest, FILES)
