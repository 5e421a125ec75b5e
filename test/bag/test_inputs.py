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

import pytest

from xspec_ros.bag.writer import BagWriter
from xspec_ros.errors import DataError
from xspec_ros.perception.settings import InputSettings


def test_missing_or_wrong_topics_name_what_is_there(replay, bag, tiny_bundle, tmp_path):
    missing = InputSettings(topic='/nothing')
    with pytest.raises(DataError, match=r'candidates: .*/thermal/image_raw'):
        replay(bag, tiny_bundle, tmp_path / 'out', thermal=missing)
    wrong = InputSettings(topic='/ground_truth/detections')
    with pytest.raises(DataError, match='has type vision_msgs'):
        replay(bag, tiny_bundle, tmp_path / 'out', thermal=wrong)
    assert not (tmp_path / 'out').exists()


def test_bag_without_messages_is_an_error(replay, tiny_bundle, tmp_path):
    BagWriter(tmp_path / 'empty.mcap').close()
    with pytest.raises(DataError, match='no topic /thermal/image_raw'):
        replay(tmp_path / 'empty.mcap', tiny_bundle, tmp_path / 'out')
