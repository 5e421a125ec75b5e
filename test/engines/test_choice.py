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

"""Which engine runs: present, verified, as asked."""

from __future__ import annotations

import msgspec
import pytest

from xspec_ros.bundle.manifest import Verified
from xspec_ros.bundle.store import Bundle, open_bundle
from xspec_ros.engines import available_engines, choice, open_engine
from xspec_ros.errors import BundleError, EngineError


def with_verified(bundle: Bundle, verdicts: dict[str, dict[str, bool]]) -> Bundle:
    """Return the bundle as if export had found this; every variant has the fp32 graph."""
    fp32 = bundle.manifest.precisions['fp32']
    variants = {
        precision: msgspec.structs.replace(
            fp32,
            verified={
                engine: Verified(label_agreement=1.0, box_px=0.0, ok=ok, frames=1, data='test')
                for engine, ok in engines.items()
            },
        )
        for precision, engines in verdicts.items()
    }
    manifest = msgspec.structs.replace(bundle.manifest, precisions={'fp32': fp32, **variants})
    return Bundle(path=bundle.path, manifest=manifest)


@pytest.fixture
def bundle(tiny_bundle):
    return open_bundle(tiny_bundle)


@pytest.fixture
def two_present(monkeypatch):
    """A machine with two engines and a CPU that is quick at int8."""
    present = {'onnxruntime': None, 'openvino': None, 'torch': 'absent', 'tensorrt': 'absent'}
    monkeypatch.setattr(choice, 'available_engines', lambda: present)
    monkeypatch.setattr(choice, 'has_nvidia', lambda: False)
    monkeypatch.setattr(choice, 'fast_int8', lambda: True)


@pytest.mark.usefixtures('two_present')
@pytest.mark.parametrize(
    ('verdicts', 'asked', 'expected'),
    [
        ({'fp32': {'onnxruntime': True, 'openvino': True}}, {}, ('openvino', 'fp32')),
        ({'fp32': {'onnxruntime': True, 'openvino': False}}, {}, ('onnxruntime', 'fp32')),
        ({'fp32': {'onnxruntime': True}}, {}, ('onnxruntime', 'fp32')),
        ({'fp32': {'torch': True}}, {}, ('openvino', 'fp32')),
        (
            {'fp32': {'openvino': True}, 'int8': {'openvino': True}},
            {},
            ('openvino', 'int8'),
        ),
        (
            {'fp32': {'openvino': True}, 'int8': {'openvino': False}},
            {},
            ('openvino', 'fp32'),
        ),
        (
            {'fp32': {'openvino': True}, 'int8': {'onnxruntime': True}},
            {'precision': 'int8'},
            ('onnxruntime', 'int8'),
        ),
        (
            {'fp32': {'openvino': True, 'onnxruntime': True}},
            {'name': 'onnxruntime'},
            ('onnxruntime', 'fp32'),
        ),
    ],
)
def test_the_best_that_passed_is_chosen(bundle, verdicts, asked, expected):
    asked = {'name': 'auto', 'precision': 'auto', **asked}
    assert choice.choose(with_verified(bundle, verdicts), **asked, mode='thermal') == expected


@pytest.mark.usefixtures('two_present')
@pytest.mark.parametrize(
    ('verdicts', 'asked'),
    [
        ({'fp32': {'onnxruntime': False, 'openvino': False}}, {}),
        ({'fp32': {'openvino': False}}, {'name': 'openvino'}),
        ({'int8': {'onnxruntime': True}}, {'name': 'openvino', 'precision': 'int8'}),
        ({'int8': {'openvino': False}}, {'name': 'openvino', 'precision': 'int8'}),
    ],
)
def test_what_failed_or_was_not_verified_does_not_run(bundle, verdicts, asked):
    asked = {'name': 'auto', 'precision': 'auto', **asked}
    with pytest.raises(EngineError, match='passed verification'):
        choice.choose(with_verified(bundle, verdicts), **asked, mode='thermal')


@pytest.mark.usefixtures('two_present')
def test_int8_is_not_chosen_where_the_cpu_is_slow_at_it(bundle, monkeypatch):
    monkeypatch.setattr(choice, 'fast_int8', lambda: False)
    verdicts = {'fp32': {'openvino': True}, 'int8': {'openvino': True}}
    chosen = choice.choose(
        with_verified(bundle, verdicts), name='auto', precision='auto', mode='thermal'
    )
    assert chosen == ('openvino', 'fp32')


@pytest.mark.usefixtures('two_present')
def test_a_missing_engine_says_how_to_add_it(bundle):
    with pytest.raises(EngineError, match='present: onnxruntime, openvino'):
        open_engine(bundle, name='torch')


def test_an_unknown_engine_names_the_known(bundle):
    with pytest.raises(EngineError, match='known: auto, onnxruntime, openvino'):
        open_engine(bundle, name='caffe')


def test_an_absent_precision_names_those_there_are(bundle):
    with pytest.raises(BundleError, match='fp32: thermal'):
        open_engine(bundle, precision='int4')


def test_no_threads_is_refused(bundle):
    with pytest.raises(EngineError, match='threads = 0'):
        open_engine(bundle, threads=0)


def test_a_package_that_is_not_installed_is_named_with_its_extra(monkeypatch):
    monkeypatch.setattr(choice, 'find_spec', lambda name: None)
    assert available_engines() == {
        'onnxruntime': "onnxruntime not installed: pip install 'xspec_ros'",
        'openvino': "openvino not installed: pip install 'xspec_ros[openvino]'",
        'torch': "torch, safetensors not installed: pip install 'xspec_ros[train]'",
        'tensorrt': "tensorrt, cuda not installed: pip install 'xspec_ros[tensorrt]'",
    }
