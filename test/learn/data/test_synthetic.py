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

from __future__ import annotations

import msgspec
import numpy as np

from xspec_ros.core.labels import ClassLabel, DEFAULT_CLASSES, DEFAULT_DETECTION_CLASSES
from xspec_ros.learn.data import synthetic
from xspec_ros.learn.data.synthetic import open_synthetic, SynthSource
from xspec_ros.synth import CameraChange

SOURCE = SynthSource(count=2, seed=1, size=(96, 64))
SETS = {'classes': DEFAULT_CLASSES, 'detection_classes': DEFAULT_DETECTION_CLASSES}


def test_pictures_are_rendered_once_and_stay_the_same(tmp_path, monkeypatch):
    first = open_synthetic(SOURCE, tmp_path, with_rgb=False, **SETS)
    monkeypatch.setattr(synthetic.synth, 'frames_for_training', None)  # would raise
    second = open_synthetic(SOURCE, tmp_path, with_rgb=False, **SETS)
    assert len(first) == len(second) == 2
    for one, two in zip(first, second, strict=True):
        assert one.thermal.dtype == np.uint16
        assert one.thermal.shape == one.label_map.shape == (64, 96)
        assert np.array_equal(one.thermal, two.thermal)
        assert np.array_equal(one.boxes_xyxy, two.boxes_xyxy)
        assert one.rgb is None
        assert one.has_boxes


def test_a_torn_cache_is_rendered_again(tmp_path):
    whole = open_synthetic(SOURCE, tmp_path, with_rgb=False, **SETS)
    folder = next(tmp_path.iterdir())
    folder.rename(folder.with_name(folder.name + '.unfinished'))
    again = open_synthetic(SOURCE, tmp_path, with_rgb=False, **SETS)
    assert np.array_equal(whole[0].thermal, again[0].thermal)
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]


def test_another_camera_is_another_source(tmp_path):
    source = msgspec.structs.replace(SOURCE, camera=CameraChange(noise=5.0))
    own, other = (
        open_synthetic(each, tmp_path, with_rgb=False, **SETS) for each in (SOURCE, source)
    )
    assert own.title != other.title
    assert not np.array_equal(own[0].thermal, other[0].thermal)


def test_other_class_lists_are_mapped_by_name(tmp_path):
    classes = (ClassLabel(name='sky'), ClassLabel(name='pavement'), ClassLabel(name='lorry'))
    own = open_synthetic(SOURCE, tmp_path, with_rgb=False, **SETS)[0]
    few = open_synthetic(
        SOURCE, tmp_path, with_rgb=False, classes=classes, detection_classes=('car',)
    )[0]
    assert np.array_equal(few.label_map == 0, own.label_map == 7)
    assert set(np.unique(few.label_map)) <= {0, 1, 255}
    assert few.mask_classes.tolist() == [True, False, False]  # no alias in this list, no lorry
    assert len(few.boxes_xyxy) == int((own.box_classes == 2).sum())
