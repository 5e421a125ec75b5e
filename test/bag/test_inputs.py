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
