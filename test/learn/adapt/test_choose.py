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

"""What is worth learning from: scenes, each once, spread over the drive."""

from __future__ import annotations

import cv2
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
import numpy as np
import pytest

from xspec_ros.learn.adapt.choose import (
    Candidate,
    changes,
    choose,
    contrasts,
    set_aside,
    Shot,
    Sieve,
    spread,
)
from xspec_ros.perception.selection import change, VIEW_HW

NOISE = np.random.default_rng(9)


def sieve_of(settings, images, *, rate_hz=10.0, start_s=100.0):
    """Send one drive through a sieve; None stands for a frame that cannot be decoded."""
    sieve = Sieve(settings)
    sieve.begin_drive()
    for index, image in enumerate(images):
        time_s = None if rate_hz is None else start_s + index / rate_hz
        sieve.take(Shot(index=index, time_s=time_s, image=image))
    return sieve


def candidate(index, *, drive=0, time_s=None, follower=None):
    view = np.random.default_rng(index).standard_normal(VIEW_HW).astype(np.float32)
    return Candidate(
        drive=drive, index=index, time_s=time_s, view=view, sharpness=1.0, follower=follower
    )


def test_a_frozen_drive_leaves_one_frame(settings, scene):
    sieve = sieve_of(settings(), [scene(1)] * 60)
    assert len(choose(sieve)) == 1
    assert +sieve.rejected == {'duplicate': 59}


def test_a_camera_that_stands_still_leaves_one_frame(settings, scene):
    still = scene(1, (240, 320)).astype(np.int32)
    images = [(still + NOISE.normal(0, 10, still.shape)).astype(np.uint16) for _ in range(40)]
    assert len(choose(sieve_of(settings(), images))) == 1


def test_causes_are_told_apart(settings, scene):
    noise = NOISE.integers(0, 9000, (48, 64)).astype(np.uint16)
    empty = 7000 + (np.arange(64) // 32).astype(np.uint16) * np.ones((48, 1), np.uint16)
    images = [scene(1), None, np.full((48, 64), 7000, np.uint16), noise, empty, scene(1), scene(2)]
    sieve = sieve_of(settings(), images)
    assert [one.index for one in sieve.candidates()] == [0, 6]
    assert +sieve.rejected == {
        'undecodable': 1,
        'shutter': 1,
        'noise': 1,
        'empty': 1,
        'duplicate': 1,
    }


def test_blurred_frames_are_known_by_the_rest_of_the_drive(settings, scene):
    images = [scene(number, (120, 160)) for number in range(12)]
    images[3] = cv2.GaussianBlur(images[3], (0, 0), 6.0)
    sieve = sieve_of(settings(), images)
    assert [one.index for one in sieve.candidates()] == [0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11]
    assert sieve.rejected['blurred'] == 1
    soft = [cv2.GaussianBlur(scene(number, (120, 160)), (0, 0), 6.0) for number in range(12)]
    assert len(sieve_of(settings(), soft).candidates()) == 12  # a soft camera is one all the time


def test_what_came_before_is_not_chosen_again(settings, scene):
    loop = [scene(number) for number in (1, 2, 3, 1, 2, 3)]
    sieve = sieve_of(settings(), loop)
    choice = choose(sieve)
    assert [one.index for one in choice.training] == [0, 1, 2]
    assert +sieve.rejected == {'duplicate': 3}


def test_the_limit_keeps_what_differs_most(settings, scene):
    odd = scene(7)
    near = [(0.9 * scene(1) + 0.1 * scene(k)).astype(np.uint16) for k in range(20, 40)]
    sieve = sieve_of(settings(frames=4), [*near[:10], odd, *near[10:]])
    choice = choose(sieve)
    assert len(choice) == 4
    assert 10 in [one.index for one in choice.training]
    assert sieve.rejected['limit'] == 17


def test_a_long_drive_is_thinned_evenly_while_it_is_read(settings, scene):
    pool = [scene(number) for number in range(40)]
    images = [pool[index % 40] for index in range(200)]
    sieve = sieve_of(settings(frames=2), images)
    kept = [one.index for one in sieve.candidates()]
    assert len(kept) <= 16
    gaps = np.diff(kept)
    assert gaps.max() <= 2 * gaps.min()
    assert kept[-1] > 150
    assert len(kept) + sum(sieve.rejected.values()) == 200


@hypothesis_settings(max_examples=30, deadline=None)
@given(
    st.lists(st.sampled_from(['scene', 'same', 'noise', 'shutter', 'torn']), max_size=60),
    st.integers(1, 8),
)
def test_every_frame_is_chosen_or_counted(kinds, most):
    from xspec_ros.learn.adapt.settings import settings_with

    rng = np.random.default_rng(0)
    images, last = [], None
    for kind in kinds:
        smooth = cv2.GaussianBlur(rng.standard_normal((24, 32)), (0, 0), 2.0)
        made = {
            'scene': (7000 + 4000 * smooth).astype(np.uint16),
            'noise': rng.integers(0, 9000, (24, 32)).astype(np.uint16),
            'shutter': np.full((24, 32), 5, np.uint16),
            'torn': None,
        }
        last = last if kind == 'same' else made[kind]
        images.append(last)
    sieve = sieve_of(settings_with([f'frames={most}', 'least_frames=10']), images)
    choice = choose(sieve)
    assert len(choice) <= most
    assert sieve.read == len(images) == len(choice) + sum(sieve.rejected.values())
    places = [one.index for one in (*choice.training, *choice.aside)]
    assert len(set(places)) == len(places)


@hypothesis_settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 6))
def test_many_changes_are_those_of_single_ones(seed, count):
    rng = np.random.default_rng(seed)
    views = rng.standard_normal((count, *VIEW_HW)).astype(np.float32) * rng.integers(0, 3)
    before = rng.standard_normal(VIEW_HW).astype(np.float32)
    flat = views.reshape(count, -1)
    found = changes(before.ravel(), flat, contrasts(flat))
    assert found == pytest.approx([change(before, view) for view in views], rel=1e-5)


@hypothesis_settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 30), st.integers(1, 40))
def test_each_one_taken_is_the_farthest_from_all_before(seed, count, most):
    views = np.random.default_rng(seed).standard_normal((count, 12)).astype(np.float32)
    contrast = contrasts(views)
    places, nearest = spread(views, most=most, least=0.0)
    assert len(places) == len(set(places)) == min(count, most)
    assert (nearest[places] == -1).all()
    for number, place in enumerate(places[1:], 1):
        apart = [changes(views[other], views, contrast) for other in places[:number]]
        assert np.min(apart, axis=0).max() == pytest.approx(np.min(apart, axis=0)[place])


def test_nothing_is_taken_that_is_near_something_taken():
    views = np.array([[0, 1, 2, 3], [0, 1, 2, 3.01], [3, 2, 1, 0]], np.float32)
    places, nearest = spread(views, most=9, least=0.01)
    assert places == [0, 2]
    assert nearest[1] == pytest.approx(0.0025 / contrasts(views)[1])
    assert spread(views, most=9, least=0.0)[0] == [0, 2, 1]
    assert spread(views[:0], most=9, least=0.0)[0] == []


def test_frames_set_aside_lie_together_and_apart_from_the_rest(settings):
    chosen = [candidate(index, time_s=index * 0.25) for index in range(200)]
    choice = set_aside(chosen, settings())
    aside = np.array([one.index for one in choice.aside])
    training = np.array([one.index for one in choice.training])
    assert len(aside) == 30
    assert np.count_nonzero(np.diff(aside) > 1) == 3  # four stretches
    nearest_s = 0.25 * np.abs(training[:, None] - aside[None]).min()
    assert nearest_s >= settings().apart_s
    assert len(choice) == 200 - 8 * 1
    assert aside.min() > 10
    assert aside.max() < 190


@pytest.mark.parametrize(('count', 'aside'), [(23, 0), (24, 8), (100, 15), (600, 60)])
def test_enough_is_set_aside_but_not_too_much(settings, count, aside):
    choice = set_aside([candidate(index) for index in range(count)], settings())
    assert len(choice.aside) == aside
    assert len(choice.training) >= count - aside - 8


def test_a_drive_of_seconds_keeps_frames_to_learn_from(settings):
    chosen = [candidate(index, time_s=index / 15) for index in range(30)]
    choice = set_aside(chosen, settings())
    assert len(choice.training) >= 18


def test_pictures_without_time_lose_only_their_neighbours(settings):
    choice = set_aside([candidate(index) for index in range(60)], settings())
    assert len(choice) == 60 - 2 * 2  # two stretches


def test_drives_do_not_lie_beside_each_other(settings):
    chosen = [candidate(i, drive=i // 30, time_s=float(i % 30) / 100) for i in range(60)]
    choice = set_aside(chosen, settings(aside_share=0.5))
    assert {one.drive for one in choice.aside} == {0, 1}


def test_the_next_frame_shows_the_same_scene_a_moment_later(settings, scene):
    later = np.roll(scene(1), 1, axis=1)
    sieve = sieve_of(settings(), [scene(1), None, later, scene(3)], rate_hz=15.0)
    assert [one.follower for one in sieve.candidates()] == [2, 3, None]
    late = sieve_of(settings(), [scene(1), scene(2)], rate_hz=2.0)
    assert [one.follower for one in late.candidates()] == [None, None]
    frozen = sieve_of(settings(), [scene(1), scene(1), scene(2)])
    assert [one.follower for one in frozen.candidates()] == [None, None]
    timeless = sieve_of(settings(), [scene(1), scene(2)], rate_hz=None)
    assert [one.follower for one in timeless.candidates()] == [None, None]


def test_the_next_drive_begins_anew(settings, scene):
    sieve = sieve_of(settings(), [scene(1)])
    sieve.begin_drive()
    sieve.take(Shot(index=0, time_s=100.1, image=scene(1)))
    assert [(one.drive, one.follower) for one in sieve.candidates()] == [(0, None), (1, None)]
