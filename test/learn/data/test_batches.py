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

import dataclasses

import numpy as np
import torch

from xspec_ros.learn.batch import IGNORE, NO_BOX
from xspec_ros.learn.data.augment import PhotoArgs
from xspec_ros.learn.data.batches import augment, BatchArgs, BatchSource, collate, prefetch
from xspec_ros.learn.data.geometry import CropArgs
from xspec_ros.learn.data.sources import MemoryPictures


def args(**changes):
    plain = {
        'seed': 3,
        'batch_size': 4,
        'crop_hw': (32, 64),
        'network_hw': (64, 96),
        'percentiles': (1.0, 99.0),
        'crop': CropArgs(),
        'photo': PhotoArgs(),
    }
    return BatchArgs(**plain | changes)


def named(picture, name, count=3, **changes):
    pictures = [dataclasses.replace(picture, name=name, **changes) for _ in range(count)]
    return MemoryPictures(pictures, {'name': name})


def source(picture, **changes):
    return BatchSource([(named(picture, 'a'), 1.0)], args(**changes))


def same(one, two):
    return all(torch.equal(t, two.tensors()[name]) for name, t in one.tensors().items())


def test_a_batch_is_the_same_whenever_it_is_drawn(picture):
    drawn = source(picture)
    later = drawn.batch(7)
    drawn.batch(1)
    assert same(drawn.batch(7), later)
    assert not same(drawn.batch(8), later)


def test_another_seed_gives_other_batches(picture):
    assert not same(source(picture).batch(0), source(picture, seed=4).batch(0))


def test_two_processes_share_the_batch_of_one(picture):
    whole = source(picture, batch_size=4).batch(2)
    for rank in (0, 1):
        part = source(picture, batch_size=2, rank=rank, processes=2).batch(2)
        assert torch.equal(part.thermal, whole.thermal[rank::2])


def test_a_stratified_batch_holds_every_source_in_its_share(picture):
    sources = [(named(picture, 'a'), 3.0), (named(picture, 'b'), 1.0)]
    for processes in (1, 2):
        drawn = BatchSource(
            sources, args(batch_size=8 // processes, stratified=True, processes=processes)
        )
        names = drawn.batch(5).names
        assert names.count('b') == 2 // processes


def test_day_pictures_take_the_look_of_the_night(picture):
    night = dataclasses.replace(picture, thermal=np.full((60, 80), 500, np.uint16), day=False)
    night.thermal[:30] = 900
    looks = MemoryPictures([night], {'name': 'looks'})
    still = PhotoArgs(
        gain=0, offset=0, gamma=1, equalise=0, invert=0, noise=0, fixed_pattern=0, blur=0, erase=0
    )
    values = args(photo=still, look_share=1.0, crop=CropArgs(scale=(1, 1), flip=0))
    by_day = BatchSource([(named(picture, 'a'), 1.0)], values, looks=looks).batch(0)
    assert ((by_day.thermal < 0.1) | (by_day.thermal > 0.9)).float().mean() > 0.8  # two levels
    by_night = BatchSource([(named(picture, 'a', day=False), 1.0)], values, looks=looks).batch(0)
    assert ((by_night.thermal < 0.1) | (by_night.thermal > 0.9)).float().mean() < 0.5


def test_both_cameras_may_take_the_look_of_one_night(picture):
    pair = dataclasses.replace(picture, rgb=np.full((60, 80, 3), 200, np.uint8))
    pair.rgb[:, :40] = 100
    night = dataclasses.replace(pair, rgb=pair.rgb // 10, day=False)
    looks = MemoryPictures([night], {'name': 'looks'})
    still = PhotoArgs(gain=0, offset=0, gamma=1, noise=0, blur=0, erase=0)
    plain = args(photo=still, look_share=1.0, crop=CropArgs(scale=(1, 1)))
    sources = [(named(pair, 'a'), 1.0)]
    bright = BatchSource(sources, plain, looks=looks).batch(0)
    dark = BatchSource(sources, dataclasses.replace(plain, look_rgb=True), looks=looks).batch(0)
    assert bright.rgb[:, :, 20:40].mean() > 0.3
    assert dark.rgb[:, :, 20:40].mean() < 0.1


def test_padding_is_outside_the_picture(picture):
    values = args(crop_hw=(160, 192), crop=CropArgs(scale=(0.5, 0.5)))
    batch = source(picture, photo=PhotoArgs(erase=0)).batch(0)
    padded = BatchSource([(named(picture, 'a'), 1.0)], values).batch(0)
    assert batch.inside.float().mean() > padded.inside.float().mean()
    assert (padded.label_map[~padded.inside] == IGNORE).all()


def test_prefetching_keeps_the_order(picture):
    drawn = source(picture, batch_size=1)
    batches = list(prefetch(drawn.batch, 5, 12))
    assert len(batches) == 7
    assert all(same(batch, drawn.batch(number)) for number, batch in enumerate(batches, 5))


def test_an_error_while_drawing_reaches_the_loop(picture):
    def draw(number):
        if number == 2:
            raise KeyError(number)
        return number

    seen = []
    try:
        for batch in prefetch(draw, 0, 5):
            seen.append(batch)  # noqa: PERF402
    except KeyError:
        pass
    assert seen == [0, 1]


def test_sources_are_drawn_by_weight(picture):
    many, few = named(picture, 'many'), named(picture, 'few', count=50)
    drawn = BatchSource([(many, 3.0), (few, 1.0)], args(batch_size=50))
    names = [name for number in range(4) for name in drawn.batch(number).names]
    assert 0.65 < names.count('many') / len(names) < 0.85


def test_tensors_have_their_shapes_and_unlabelled_is_marked(picture):
    bare = {
        'label_map': None,
        'boxes_xyxy': np.zeros((0, 4), np.float32),
        'box_classes': np.zeros(0, np.int64),
        'box_crowd': np.zeros(0, bool),
        'has_boxes': False,
    }
    batch = BatchSource([(named(picture, 'bare', **bare), 1.0)], args()).batch(0)
    assert batch.thermal.shape == (4, 1, 32, 64)
    assert batch.rgb is None
    assert (batch.label_map == IGNORE).all()
    assert (batch.box_classes == NO_BOX).all()
    assert not batch.has_masks.any()
    assert not batch.has_boxes.any()


def test_pairs_share_one_geometry(picture):
    ramp = (picture.thermal[..., None] // 8).repeat(3, axis=2).astype(np.uint8)
    off = PhotoArgs(
        percentile=0, gain=0, offset=0, gamma=1, equalise=0, invert=0, noise=0, fixed_pattern=0,
        blur=0, erase=0,
    )  # fmt: skip
    both = named(picture, 'pair', rgb=ramp)
    batch = BatchSource([(both, 1.0)], args(photo=off)).batch(0)
    assert batch.rgb.shape == (4, 3, 32, 64)
    for thermal, rgb in zip(batch.thermal[:, 0], batch.rgb[:, 0], strict=True):
        x, y = thermal.flatten(), rgb.flatten()
        inner = (x > 0.02) & (x < 0.98) & (y > 0)  # neither clipped nor outside
        assert torch.corrcoef(torch.stack((x[inner], y[inner])))[0, 1] > 0.99


def test_scores_of_boxes_are_padded_with_one(picture):
    scored = dataclasses.replace(picture, box_scores=np.array([0.25], np.float32))
    pictures = [
        dataclasses.replace(
            picture,
            boxes_xyxy=np.repeat(picture.boxes_xyxy, 2, axis=0),
            box_classes=np.zeros(2, np.int64),
            box_crowd=np.zeros(2, bool),
        ),
        scored,
    ]
    still = args(crop_hw=(64, 96), crop=CropArgs(scale=(1, 1), aspect=1), photo=PhotoArgs(erase=0))
    rng = np.random.default_rng(0)
    batch = collate([augment(each, still, rng) for each in pictures])
    assert batch.box_scores.tolist() == [[1.0, 1.0], [0.25, 1.0]]
    assert batch.box_scores.dtype == torch.float32


def test_a_marker_stays_in_its_box_in_both_cameras(picture):
    thermal, rgb = np.zeros((60, 80), np.uint16), np.zeros((60, 80, 3), np.uint8)
    thermal[28:32, 38:42] = 1000  # the middle of the picture's box
    rgb[28:32, 38:42] = 255
    pair = dataclasses.replace(picture, thermal=thermal, rgb=rgb)
    photo = PhotoArgs(percentile=0, equalise=0, invert=0, noise=0, fixed_pattern=0, erase=0)
    values = args(crop_hw=(64, 96), percentiles=(0.0, 100.0), photo=photo)
    found = 0
    for seed in range(40):
        batch = collate([augment(pair, values, np.random.default_rng(seed))])
        for left, top, right, bottom in batch.boxes_xyxy[0][~batch.box_crowd[0]].tolist():
            for camera in (batch.thermal, batch.rgb):
                row, column = divmod(int(camera[0].sum(dim=0).argmax()), 96)
                assert left <= column + 0.5 <= right
                assert top <= row + 0.5 <= bottom
            found += int(batch.box_classes[0, 0] != NO_BOX)
    assert found > 20
