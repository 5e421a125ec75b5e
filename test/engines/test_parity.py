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

"""Every engine present gives the same answers to the same bytes, at every size."""

from __future__ import annotations

import numpy as np
import pytest

from xspec_ros.bundle.store import open_bundle
from xspec_ros.engines import available_engines, open_engine
from xspec_ros.engines.choice import start_engine
from xspec_ros.errors import EngineError
from xspec_ros.learn.export.verify import compare

PRESENT = [name for name, missing in available_engines().items() if missing is None]
SIZES = ((120, 160), (121, 163), (480, 640), (300, 500), (1024, 1280))
TONE = (30.0, 220.0)


def picture(size_hw, seed=0):
    """Smooth blobs with some noise, as bytes of one-byte pixels (H, W, 1)."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(20, 230, (8, 10))
    rows = np.linspace(0, 7, size_hw[0]).astype(int)
    columns = np.linspace(0, 9, size_hw[1]).astype(int)
    noisy = coarse[rows][:, columns] + rng.normal(0, 8, size_hw)
    return np.clip(noisy, 0, 255).astype(np.uint8)[..., None]


@pytest.fixture(scope='module')
def engines(tiny_bundle):
    bundle = open_bundle(tiny_bundle)
    opened = {name: open_engine(bundle, name=name, threads=1) for name in PRESENT}
    yield opened
    for engine in opened.values():
        engine.close()


@pytest.mark.parametrize('size_hw', SIZES, ids=lambda size: f'{size[1]}x{size[0]}')
def test_engines_agree_at_any_size(engines, size_hw):
    answers = {
        name: engine.infer(picture(size_hw), None, TONE) for name, engine in engines.items()
    }
    reference = answers['torch']
    assert reference.labels.shape == size_hw
    for name, answer in answers.items():
        agreement = compare([reference], [answer])
        assert agreement.ok, (name, agreement)
        near = np.abs(answer.confidence.astype(int) - reference.confidence.astype(int))
        assert near.max() <= 2, name


@pytest.mark.parametrize('name', PRESENT)
def test_one_byte_and_two_byte_pixels_of_the_same_values_answer_the_same(engines, name):
    one = picture((120, 160))
    two = np.concatenate((one, np.zeros_like(one)), axis=-1)
    first, second = (engines[name].infer(image, None, TONE) for image in (one, two))
    for field in ('labels', 'confidence', 'boxes_xyxy', 'scores', 'classes'):
        np.testing.assert_array_equal(getattr(first, field), getattr(second, field))


@pytest.mark.parametrize('name', PRESENT)
def test_counts_above_a_byte_are_read_little_endian(engines, name):
    one = picture((120, 160))
    counts = one[..., 0].astype('<u2') * 50 + 7000
    wide = counts.view(np.uint8).reshape(120, 160, 2)
    tone = (TONE[0] * 50 + 7000, TONE[1] * 50 + 7000)
    agreement = compare(
        [engines[name].infer(one, None, TONE)], [engines[name].infer(wide, None, tone)]
    )
    assert agreement.labels > 0.999


@pytest.mark.parametrize('name', PRESENT)
def test_boxes_lie_in_the_picture_best_first(engines, name):
    answer = engines[name].infer(picture((120, 200)), None, TONE)
    assert answer.boxes_xyxy.shape == (100, 4)
    assert answer.boxes_xyxy.min() >= 0
    assert (answer.boxes_xyxy.max(axis=0) <= [200, 120, 200, 120]).all()
    assert (np.diff(answer.scores) <= 0).all()
    assert set(answer.classes.tolist()) <= {0, 1, 2}
    assert answer.labels.dtype == np.uint8
    assert answer.labels.max() < 11


@pytest.mark.parametrize('name', PRESENT)
def test_a_constant_picture_and_an_empty_range_give_finite_answers(engines, name):
    flat = np.full((120, 160, 1), 90, np.uint8)
    answer = engines[name].infer(flat, None, (90.0, 90.0))
    assert np.isfinite(answer.boxes_xyxy).all()
    assert np.isfinite(answer.scores).all()


@pytest.mark.parametrize('name', PRESENT)
def test_read_only_bytes_are_taken_and_answers_outlive_the_next_frame(engines, name):
    image = np.frombuffer(picture((120, 160)).tobytes(), np.uint8).reshape(120, 160, 1)
    first = engines[name].infer(image, None, TONE)
    kept = first.labels.copy()
    engines[name].infer(picture((120, 160), seed=1), None, TONE)
    np.testing.assert_array_equal(first.labels, kept)


@pytest.mark.parametrize('name', PRESENT)
def test_a_damaged_model_is_an_engine_error(tiny_bundle, tmp_path, name):
    from dataclasses import replace
    import shutil

    shutil.copytree(tiny_bundle, tmp_path / 'model')
    bundle = replace(open_bundle(tiny_bundle), path=tmp_path / 'model')
    for file in ('thermal.fp32.onnx', 'weights.safetensors'):
        path = tmp_path / 'model' / file
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(EngineError):
        open_engine(bundle, name=name)


@pytest.mark.parametrize('mode', ['thermal', 'fused', 'rgb'])
@pytest.mark.parametrize('size_hw', [(64, 96), (121, 163)], ids=['96x64', '163x121'])
def test_engines_agree_in_every_mode(fused_bundle, mode, size_hw):
    bundle = open_bundle(fused_bundle)
    thermal = picture(size_hw)
    rgb = np.concatenate([picture(size_hw, seed) for seed in (1, 2, 3)], axis=-1)
    answers = {}
    for name in PRESENT:
        engine = start_engine(bundle, name=name, precision='fp32', mode=mode, threads=1)
        answers[name] = engine.infer(thermal, rgb, TONE)
        engine.close()
    for name, answer in answers.items():
        assert answer.labels.shape == size_hw
        agreement = compare([answers['torch']], [answer])
        assert agreement.ok, (name, agreement)


def test_a_fused_graph_uses_both_cameras_and_needs_them_on_one_grid(fused_bundle):
    bundle = open_bundle(fused_bundle)
    engine = start_engine(bundle, name='onnxruntime', precision='fp32', mode='fused', threads=1)
    thermal = picture((64, 96))
    first, second = (np.repeat(picture((64, 96), seed), 3, axis=-1) for seed in (1, 2))
    one, two = (engine.infer(thermal, rgb, TONE).labels for rgb in (first, second))
    assert np.any(one != two)
    with pytest.raises(EngineError, match='beside thermal'):
        engine.infer(thermal, np.repeat(picture((60, 96)), 3, axis=-1), TONE)
    with pytest.raises(EngineError, match='needs a rgb picture'):
        engine.infer(thermal, None, TONE)
