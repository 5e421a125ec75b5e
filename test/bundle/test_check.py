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

"""What a manifest must hold together."""

from __future__ import annotations

import msgspec
import pytest

from xspec_ros.bundle.check import check_file_name, check_manifest
from xspec_ros.bundle.manifest import FileEntry, InputContract, Network, Precision, Tone
from xspec_ros.core.labels import ClassLabel
from xspec_ros.errors import BundleError

ENTRY = FileEntry(sha256='0' * 64, size=1)


@pytest.fixture
def whole(manifest):
    return msgspec.structs.replace(manifest, files={'thermal.fp32.onnx': ENTRY})


def test_a_sound_manifest_passes(whole):
    check_manifest(whole, 'here')


@pytest.mark.parametrize(
    ('change', 'words'),
    [
        ({'name': '../model'}, 'model name'),
        ({'tasks': ()}, 'tasks'),
        ({'tasks': ('depth',)}, 'tasks'),
        ({'classes': (ClassLabel(name='road'),)}, 'names 1 classes'),
        ({'classes': ()}, '0 classes'),
        ({'detection_classes': ('person', 'person', 'car')}, 'duplicate'),
        ({'detection_classes': ('person',)}, 'num_detection_classes = 3'),
        ({'network': Network(name='student')}, 'num_classes = None'),
        ({'input': InputContract(bits=(12,))}, 'bits'),
        ({'input': InputContract(network_hw=(500, 640))}, 'network size'),
        ({'input': InputContract(modality='lidar')}, 'modality'),
        ({'input': InputContract(modality='rgb')}, 'modes'),
        ({'input': InputContract(modality='both')}, 'modes'),
        ({'input': InputContract(tone=Tone(low_percentile=99.0))}, 'tone'),
        ({'precisions': {}}, 'no fp32'),
        ({'precisions': {'fp32': Precision(graphs={})}}, 'modes'),
        ({'precisions': {'fp32': Precision(graphs={'thermal': 'other.onnx'})}}, 'graph'),
        ({'files': {}}, '0 files'),
        ({'files': {'thermal.fp32.onnx': FileEntry(sha256='x', size=1)}}, 'entry'),
    ],
)
def test_what_does_not_fit_is_named(whole, change, words):
    with pytest.raises(BundleError, match=words):
        check_manifest(msgspec.structs.replace(whole, **change), 'here')


def test_a_colour_is_three_bytes(whole):
    odd = msgspec.structs.replace(
        whole,
        classes=(*whole.classes[:-1], ClassLabel(name='car', colour=(0, 0, 300))),
    )
    with pytest.raises(BundleError, match='colour'):
        check_manifest(odd, 'here')


@pytest.mark.parametrize('name', ['a.onnx', 'deep/er/a.safetensors', 'README.md'])
def test_plain_names_pass(name):
    check_file_name(name, 'here')
