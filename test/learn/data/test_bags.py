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

"""Bags as training pictures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from xspec_ros.bag.pack import pack
from xspec_ros.bag.writer import BagWriter
from xspec_ros.core.labels import DEFAULT_CLASSES, DEFAULT_DETECTION_CLASSES
from xspec_ros.core.rig import Rig, save_rig
from xspec_ros.core.truth import Boxes
from xspec_ros.datasets import Sample
from xspec_ros.errors import ConfigError, DataError
from xspec_ros.learn.data.bags import BagChoice, open_bag_pictures
from xspec_ros.learn.data.check import check_source
from xspec_ros.learn.data.sources import open_source, Source, SourceContext
from xspec_ros.messages.topics import IMAGE_TYPE, THERMAL

SIZE = (48, 64)


def sample(number, *, rgb_hw=SIZE, boxes=((4, 4, 20, 30),), thermal=True, rgb=True):
    rng = np.random.default_rng(number)
    return Sample(
        name=str(number),
        rgb=np.full((*rgb_hw, 3), 200 if number % 2 else 10, np.uint8) if rgb else None,
        thermal=rng.integers(7000, 9000, SIZE).astype(np.uint16) if thermal else None,
        label_map=rng.integers(0, 11, SIZE).astype(np.uint8) if number < 2 else None,
        boxes_thermal=Boxes.of(np.array(boxes), [number % 3]) if number < 3 else None,
        boxes_rgb=Boxes.of([[1, 1, 5, 5]], [1]),
    )


def write(path, samples):
    with BagWriter(path) as writer:
        pack(samples, writer)
    return path


@pytest.fixture
def drive(tmp_path):
    return write(tmp_path / 'drive.mcap', [sample(number) for number in range(5)])


@pytest.fixture
def context(tmp_path):
    return SourceContext(
        data_root=tmp_path,
        cache=tmp_path / 'cache',
        classes=DEFAULT_CLASSES,
        detection_classes=DEFAULT_DETECTION_CLASSES,
    )


def choice(path, **more):
    known = {'classes': DEFAULT_CLASSES, 'detection_classes': DEFAULT_DETECTION_CLASSES}
    return BagChoice(path=path, **{'modality': 'both', **known, **more})


def test_pairs_come_with_the_truth_that_the_bag_has(drive, tmp_path):
    pictures = open_bag_pictures(choice(drive), tmp_path / 'cache')
    assert len(pictures) == 5
    for number, picture in enumerate(pictures):
        true = sample(number)
        assert np.array_equal(picture.thermal, true.thermal)
        assert picture.thermal.dtype == np.uint16
        assert np.array_equal(picture.rgb, true.rgb)
        assert (picture.label_map is not None) == (number < 2)
        assert picture.has_boxes == (number < 3)
        assert picture.day is bool(number % 2)
        assert picture.rgb_valid is None
    assert np.array_equal(pictures[1].label_map, sample(1).label_map)
    assert pictures[2].boxes_xyxy.tolist() == [[4, 4, 20, 30]]
    assert pictures[2].box_classes.tolist() == [2]
    assert pictures.facts['pictures'] == 5


@pytest.mark.parametrize(('modality', 'boxes'), [('thermal', 3), ('rgb', 5)])
def test_one_camera_is_enough_for_a_network_of_one(tmp_path, modality, boxes):
    alone = {'thermal': {'rgb': False}, 'rgb': {'thermal': False}}[modality]
    samples = [replace(sample(n, **alone), label_map=None) for n in range(5)]
    if modality == 'rgb':
        samples = [replace(each, boxes_thermal=None) for each in samples]
    path = write(tmp_path / 'one.mcap', samples)
    pictures = open_bag_pictures(choice(path, modality=modality), tmp_path / 'cache')
    assert len(pictures) == 5
    assert sum(picture.has_boxes for picture in pictures) == boxes
    with pytest.raises(DataError):
        open_bag_pictures(choice(path, modality='both'), tmp_path / 'cache')


def test_every_second_pair_is_taken(drive, context):
    pictures = open_source(Source(bag='drive.mcap', modality='both', every=2), context)
    assert len(pictures) == 3
    assert np.array_equal(pictures[1].thermal, sample(2).thermal)


def test_the_cache_is_used_until_the_bag_changes(drive, tmp_path):
    cache = tmp_path / 'cache'
    first = open_bag_pictures(choice(drive), cache)
    again = open_bag_pictures(choice(drive), cache)
    assert again.facts == first.facts
    assert len(list(cache.iterdir())) == 1
    drive.unlink()
    write(drive, [sample(number) for number in range(4)])
    assert len(open_bag_pictures(choice(drive), cache)) == 4
    assert len(list(cache.iterdir())) == 2


def test_a_rig_puts_rgb_on_the_thermal_grid(tmp_path, context):
    samples = [sample(number, rgb_hw=(96, 128)) for number in range(3)]
    write(tmp_path / 'wide.mcap', samples)
    with pytest.raises(DataError, match='differ in size'):
        open_source(Source(bag='wide.mcap', modality='both'), context)
    half = ((0.5, 0.0, 8.0), (0.0, 0.5, 0.0), (0.0, 0.0, 1.0))  # 8 columns have no RGB
    save_rig(Rig(homography=half, rgb_hw=(96, 128), thermal_hw=SIZE), tmp_path / 'rig.yaml')
    source = Source(bag='wide.mcap', modality='both', rig='rig.yaml')
    picture = open_source(source, context)[1]
    assert picture.rgb.shape == (*SIZE, 3)
    assert picture.rgb_valid.shape == SIZE
    assert not picture.rgb_valid[:, :7].any()
    assert picture.rgb_valid[1:-1, 9:].all()
    assert (picture.rgb[1:-1, 9:] == 200).all()
    other = Rig(homography=half, rgb_hw=(96, 128), thermal_hw=(32, 32))
    save_rig(other, tmp_path / 'rig.yaml')
    with pytest.raises(DataError, match='other cameras'):
        open_source(source, context)


def test_labels_can_be_withheld_and_day_chosen(drive, context):
    source = Source(bag='drive.mcap', modality='both', when='day', masks=False, boxes=False)
    pictures = open_source(source, context)
    assert len(pictures) == 2
    assert not any(picture.has_boxes for picture in pictures)
    assert all(picture.label_map is None for picture in pictures)


def test_a_source_is_of_one_kind(context):
    for source in (Source(), Source(bag='a', dataset='b')):
        with pytest.raises(ConfigError, match='dataset, synth and bag'):
            open_source(source, context)


def test_checking_reads_every_frame(tmp_path, context):
    path = tmp_path / 'drive.mcap'
    far = [sample(number, boxes=((500, 4, 520, 30),)) for number in range(3)]
    with BagWriter(path) as writer:
        pack(far, writer)
        writer.write(THERMAL, IMAGE_TYPE, b'\x00\x01\x00\x00no picture', 10**18)
    found = check_source(Source(bag='drive.mcap', modality='both'), context)
    assert (found.pictures, found.masks, found.boxes) == (3, 2, 3)
    assert len(found.problems) == 2
    assert THERMAL in found.problems[0]
    assert '3 boxes of drive.mcap lie outside' in found.problems[1]


@pytest.mark.parametrize('content', [b'', b'no bag at all'])
def test_checking_names_a_bag_that_is_none(tmp_path, context, content):
    (tmp_path / 'drive.mcap').write_bytes(content)
    (problem,) = check_source(Source(bag='drive.mcap'), context).problems
    assert 'drive.mcap' in problem
    (absent,) = check_source(Source(bag='elsewhere.mcap'), context).problems
    assert 'elsewhere.mcap' in absent


def test_a_torn_bag_gives_what_it_has_and_says_so(tmp_path, context, drive, caplog):
    whole = drive.read_bytes()
    drive.write_bytes(whole[: len(whole) * 3 // 4])
    found = check_source(Source(bag='drive.mcap', modality='both'), context)
    assert 0 < found.pictures < 5
    assert found.problems
    assert len(open_source(Source(bag='drive.mcap', modality='both'), context)) == found.pictures
    assert 'drive.mcap' in caplog.text


def test_a_full_disk_leaves_no_cache(drive, tmp_path):
    blocked = tmp_path / 'cache'
    blocked.write_text('a file where the folder should be')
    with pytest.raises(DataError, match='cannot write the decoded pictures'):
        open_bag_pictures(choice(drive), blocked)
