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

from xspec_ros.bag.pack import pack
from xspec_ros.bag.reader import BagReader
from xspec_ros.bag.writer import BagWriter
from xspec_ros.datasets import Sample
from xspec_ros.messages.image import encode_image
from xspec_ros.messages.topics import (
    DETECTIONS,
    IMAGE_TYPE,
    SEGMENTATION,
    THERMAL,
)

FRAMES = 6


def test_without_truth_metrics_are_null(samples, replay, tiny_bundle, tmp_path):
    path = tmp_path / 'plain.mcap'
    with BagWriter(path) as writer:
        pack((Sample(name=s.name, thermal=s.thermal) for s in samples), writer)
    found = replay(path, tiny_bundle, tmp_path / 'out')
    assert found.summary['metrics']['miou'] is None
    assert found.summary['metrics']['map50'] is None
    assert found.problems == ['no rgb images']
    assert found.error is None


def test_torn_bag_is_processed_up_to_the_tear(replay, thermal_stamps, bag, tiny_bundle, tmp_path):
    whole = bag.read_bytes()
    bag.write_bytes(whole[: int(len(whole) * 0.6)])
    expected = len(thermal_stamps(bag))
    found = replay(bag, tiny_bundle, tmp_path / 'out')
    assert 0 < expected < FRAMES
    assert found.summary['thermal'] == found.summary['answered'] == expected
    assert 'torn' in str(found.error)
    with BagReader(tmp_path / 'out/results.mcap') as results:
        assert len(list(results.messages([SEGMENTATION]))) == expected
        assert results.tear is None


def test_bad_frames_are_counted_and_the_rest_is_answered(replay, bag, tiny_bundle, tmp_path):
    path = tmp_path / 'bad.mcap'
    good = encode_image(
        np.arange(64, dtype=np.uint8).reshape(8, 8), stamp_ns=10**9, frame_id='t', encoding='mono8'
    )
    shutter = encode_image(
        np.full((8, 8), 7, np.uint8), stamp_ns=2 * 10**9, frame_id='t', encoding='mono8'
    )
    with BagWriter(path) as writer:
        for index, cdr in enumerate([good, good, good[:-20], shutter, b'\0\1\0\0']):
            writer.write(THERMAL, IMAGE_TYPE, cdr, index)
    found = replay(path, tiny_bundle, tmp_path / 'out')
    summary = found.summary
    assert summary['thermal'] == 5
    assert summary['answered'] == 1
    assert summary['rejected_by']['shutter'] == 1
    assert sum(summary['rejected_by'].values()) == 3
    assert sum(summary['dropped_by'].values()) == summary['dropped'] == 1
    assert found.error is None


def test_unordered_copy_gives_the_same_results(replay, bag, tiny_bundle, tmp_path):
    with BagReader(bag) as reader:
        records = [(r.topic, r.type_name, bytes(r.cdr), r.log_ns) for r in reader]
    mixed = tmp_path / 'mixed.mcap'
    with BagWriter(mixed) as writer:
        for topic, type_name, cdr, log_ns in records[::2] + records[1::2]:
            writer.write(topic, type_name, cdr, log_ns)
    outputs = []
    for name, path in (('a', bag), ('b', mixed)):
        replay(path, tiny_bundle, tmp_path / name)
        with BagReader(tmp_path / name / 'results.mcap') as results:
            outputs.append([bytes(r.cdr) for r in results.messages([SEGMENTATION, DETECTIONS])])
    assert outputs[0] == outputs[1]
