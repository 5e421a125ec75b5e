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

import numpy as np

from xspec_ros.bag.gallery import make_gallery
from xspec_ros.bag.inputs import choose_inputs
from xspec_ros.bag.judging import Judge
from xspec_ros.bag.reader import BagReader
from xspec_ros.bundle.store import open_bundle
from xspec_ros.perception.settings import InputSettings
from xspec_ros.report.data import FrameNote

CAMERAS = {'rgb': InputSettings(), 'thermal': InputSettings()}


def test_pictures_are_found_by_stamp_with_answer_and_truth(
    replay, bag, tiny_bundle, thermal_stamps, tmp_path
):
    replay(bag, tiny_bundle, tmp_path / 'out', job={'report': False})
    manifest = open_bundle(tiny_bundle).manifest
    notes = [
        FrameNote(time_s=0.0, outcome='answered', stamp_ns=stamp, score=0.1, tone=(6000.0, 12e3))
        for stamp in thermal_stamps(bag)[:3]
    ]
    judge = Judge(manifest)
    with BagReader(bag) as reader, BagReader(tmp_path / 'out/results.mcap') as results:
        inputs = choose_inputs(reader, CAMERAS, needed=())
        judge.read_truth(reader, inputs)
        pictures = make_gallery(reader, inputs, results, notes, judge=judge)
        bare = make_gallery(reader, inputs, None, notes, judge=Judge(manifest))
    assert len(pictures) == 3
    for picture in pictures:
        assert [name for name, _ in picture.panels] == ['thermal', 'answer', 'truth']
        assert {image.shape[:2] for _, image in picture.panels} == {(48, 64)}
        assert all(image.dtype == np.uint8 for _, image in picture.panels)
    assert [name for name, _ in bare[0].panels] == ['thermal']
