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
import pytest

from xspec_ros.bag.info import summarise_bag
from xspec_ros.bag.inputs import choose_inputs
from xspec_ros.bag.reader import BagReader
from xspec_ros.bag.writer import BagWriter
from xspec_ros.core.sync import SyncSettings
from xspec_ros.perception.settings import InputSettings

CAMERAS = {'rgb': InputSettings(), 'thermal': InputSettings()}


def test_info_names_rates_and_encodings(labelled_bag):
    with BagReader(labelled_bag) as reader:
        found = summarise_bag(reader, choose_inputs(reader, CAMERAS, needed=()), SyncSettings())
    by_name = {entry['name']: entry for entry in found.topics}
    assert by_name['/thermal/image_raw']['encoding'] == 'mono8'
    assert by_name['/thermal/image_raw']['rate_hz'] == pytest.approx(20.0)
    assert by_name['/rgb/image_raw']['encoding'] == 'rgb8'
    assert found.pairs == 3
    assert found.problems == []


def test_info_names_gaps_repeated_and_backward_stamps(tmp_path):
    from xspec_ros.messages.image import encode_image
    from xspec_ros.messages.topics import IMAGE_TYPE, THERMAL

    path = tmp_path / 'odd.mcap'
    with BagWriter(path) as writer:
        for index, stamp_ms in enumerate([100, 200, 300, 300, 250, 400, 900, 1000]):
            image = np.zeros((4 if index else 8, 4), np.uint8)
            cdr = encode_image(image, stamp_ns=stamp_ms * 10**6, frame_id='t', encoding='mono8')
            writer.write(THERMAL, IMAGE_TYPE, cdr, index)
    with BagReader(path) as reader:
        found = summarise_bag(reader, choose_inputs(reader, CAMERAS, needed=()), SyncSettings())
    text = '\n'.join(found.problems)
    for word in ('no rgb images', 'repeat', 'jump back', 'gaps', 'size changes'):
        assert word in text
