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
