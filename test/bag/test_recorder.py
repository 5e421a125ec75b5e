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

"""The recorder: what is written, where files end, and what happens when the disk refuses."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from threading import Event
import time

from hypothesis import given, HealthCheck, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from xspec_ros.bag.extract import extract_pairs, Extraction
from xspec_ros.bag.inputs import choose_inputs
from xspec_ros.bag.reader import BagReader
from xspec_ros.bag.recorder import open_recorder, PairRecorder, RecordingPlace
from xspec_ros.core.limits import DecodeLimits
from xspec_ros.core.sync import SyncSettings
from xspec_ros.errors import ConfigError
from xspec_ros.messages.image import encode_image
from xspec_ros.messages.topics import CAMERA_INFO_TYPE, IMAGE_TYPE, RGB, THERMAL
from xspec_ros.perception.budget import DiskBudget
from xspec_ros.perception.settings import RgbInput, ThermalInput
from xspec_ros.perception.shots import CameraMessage, ShotPair, ShotReader

DEADLINE_S = 20.0
MEGABYTE = 1_000_000
SECOND = 1_000_000_000
THERMAL_READER, RGB_READER = ShotReader('thermal'), ShotReader('rgb')
INFO = '/thermal/camera_info'


def shot(reader, topic, image, encoding, stamp_ns):
    cdr = encode_image(image, stamp_ns=stamp_ns, frame_id='f', encoding=encoding)
    message = CameraMessage(topic=topic, type_name=IMAGE_TYPE, cdr=cdr, arrived_ns=stamp_ns)
    return reader.read(message, DecodeLimits())


def pair(index, *, size=(24, 32), epoch=0, infos=(), step_ns=SECOND // 10):
    rng = np.random.default_rng(index)
    stamp_ns = SECOND + index * step_ns
    thermal = rng.integers(7000, 9000, size, np.uint16)
    rgb = rng.integers(0, 256, (*size, 3), np.uint8)
    return ShotPair(
        thermal=shot(THERMAL_READER, THERMAL, thermal, 'mono16', stamp_ns),
        rgb=shot(RGB_READER, RGB, rgb, 'rgb8', stamp_ns + 5_000_000),
        infos=infos,
        epoch=epoch,
    )


def info(content, stamp_ns):
    cdr = b'\x00\x01\x00\x00' + stamp_ns.to_bytes(8, 'little') + content
    return CameraMessage(topic=INFO, type_name=CAMERA_INFO_TYPE, cdr=cdr, arrived_ns=stamp_ns)


def files(folder):
    return sorted(path for path in folder.iterdir() if path.suffix == '.mcap')


def record(out, pairs, **options):
    recorder = open_recorder(out, **{'budget_mb': 1000.0, **options})
    refusals = [recorder.offer(each) for each in pairs]
    recorder.close()
    return recorder.state(), refusals


def content(path):
    with BagReader(path) as bag:
        found = [(each.topic, bytes(each.cdr)) for each in bag]
        assert bag.tear is None
    return found


def expected(pairs):
    return [(each.topic, each.cdr) for one in pairs for each in one.pictures]


def extracted(path):
    with BagReader(path) as bag:
        cameras = {'rgb': RgbInput(), 'thermal': ThermalInput()}
        inputs = choose_inputs(bag, cameras, ('rgb', 'thermal'))
        samples = extract_pairs(bag, inputs, SyncSettings(), state=Extraction())
        return [int(sample.name) for sample in samples]


def wait_until(done):
    deadline = time.monotonic() + DEADLINE_S
    while not done():
        assert time.monotonic() < deadline
        Event().wait(0.01)


def test_the_bag_holds_the_bytes_that_came(tmp_path):
    pairs = [pair(index) for index in range(5)]
    state, refusals = record(tmp_path / 'pairs', pairs)
    assert refusals == [None] * 5
    assert (state.pairs, state.files, state.lost, state.failure) == (5, 1, 0, '')
    assert files(tmp_path / 'pairs') == [state.path]
    assert content(state.path) == expected(pairs)


@pytest.mark.parametrize('step_s', [0.1, 1.0, 20.0])
def test_every_recorded_pair_is_a_pair_when_it_is_extracted(step_s, tmp_path):
    pairs = [pair(index, step_ns=int(step_s * SECOND)) for index in range(8)]
    state, _ = record(tmp_path / 'pairs', pairs)
    assert extracted(state.path) == [each.stamp_ns for each in pairs]


def test_nothing_is_written_before_the_first_pair(tmp_path):
    state, _ = record(tmp_path / 'pairs', [])
    assert (state.path, list((tmp_path / 'pairs').iterdir())) == (None, [])


def test_a_file_of_its_own_name_is_used_once_and_never_overwritten(tmp_path):
    out = tmp_path / 'drive.mcap'
    first, _ = record(out, [pair(0)])
    second, _ = record(out, [pair(1)])
    third, _ = record(out, [pair(2)])
    paths = [state.path for state in (first, second, third)]
    assert paths[0] == out
    assert len(set(paths)) == 3
    for path, index in zip(paths, range(3), strict=True):
        assert content(path) == expected([pair(index)])


def test_a_new_epoch_begins_a_new_file(tmp_path):
    pairs = [pair(0), pair(1), pair(0, epoch=1), pair(1, epoch=1)]
    state, _ = record(tmp_path / 'pairs', pairs)
    assert state.files == 2
    assert [content(path) for path in files(tmp_path / 'pairs')] == [expected(pairs[:2])] * 2


def test_files_end_at_the_size_asked_for(tmp_path):
    pairs = [pair(index, size=(240, 320)) for index in range(8)]
    state, _ = record(tmp_path / 'pairs', pairs, split_mb=1.0)
    written = files(tmp_path / 'pairs')
    assert len(written) == state.files == 4
    assert all(path.stat().st_size <= MEGABYTE for path in written)
    assert [each for path in written for each in content(path)] == expected(pairs)


def test_calibration_is_written_once_a_file_and_when_it_changes(tmp_path):
    contents = (b'a', b'a', b'b', b'b')
    pairs = [
        pair(index, infos=(info(text, index),), epoch=int(index == 3))
        for index, text in enumerate(contents)
    ]
    record(tmp_path / 'pairs', pairs)
    found = [
        [cdr[12:] for topic, cdr in content(path) if topic == INFO]
        for path in files(tmp_path / 'pairs')
    ]
    assert found == [[b'a', b'b'], [b'b']]


def test_recording_stops_when_the_budget_is_used_up(tmp_path):
    pairs = [pair(index, size=(240, 320)) for index in range(8)]
    recorder = open_recorder(tmp_path / 'pairs', budget_mb=1.3)
    refusals = [recorder.offer(each) for each in pairs]
    assert refusals == [None] * 3 + ['budget'] * 5
    wait_until(lambda: recorder.state().failure)
    state = recorder.state()
    assert 'budget used up' in state.failure
    assert content(state.path) == expected(pairs[:3])
    recorder.close()


def test_earlier_recordings_count_against_the_budget_and_other_files_do_not(tmp_path):
    out = tmp_path / 'pairs'
    record(out, [pair(0, size=(240, 320))])
    (out / 'drive.mcap').write_bytes(bytes(5 * MEGABYTE))
    assert 300_000 < RecordingPlace(out).used_bytes() < MEGABYTE
    _, refusals = record(out, [pair(index, size=(240, 320)) for index in range(5)], budget_mb=1.3)
    assert refusals == [None, None, 'budget', 'budget', 'budget']


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    budget_mb=st.floats(0.05, 1.0),
    split_mb=st.sampled_from([0.0, 0.2]),
    sizes=st.lists(st.tuples(st.integers(8, 300), st.integers(0, 2)), max_size=12),
)
def test_the_files_are_never_larger_than_the_budget(tmp_path_factory, budget_mb, split_mb, sizes):
    out = tmp_path_factory.mktemp('budget')
    pairs = [pair(i, size=(side, side), epoch=epoch) for i, (side, epoch) in enumerate(sizes)]
    state, _ = record(out, pairs, budget_mb=budget_mb, split_mb=split_mb)
    taken = sum(path.stat().st_size for path in files(out))
    assert taken <= state.used_bytes <= max(budget_mb * MEGABYTE, 0)


def test_a_full_disk_ends_the_recording_and_the_file_is_readable(tmp_path, small_disk):
    pairs = [pair(index, size=(240, 320)) for index in range(8)]
    with small_disk(MEGABYTE):
        recorder = open_recorder(tmp_path / 'pairs', budget_mb=1000.0)
        for each in pairs:
            recorder.offer(each)
        wait_until(lambda: recorder.state().failure)
    state = recorder.state()
    assert 'cannot be written' in state.failure
    assert recorder.offer(pairs[0]) == 'disk'
    recorder.close()
    assert state.pairs + state.lost == 8
    assert state.pairs >= 2
    assert content(state.path)[: 2 * state.pairs] == expected(pairs[: state.pairs])


def test_space_is_left_on_the_disk(tmp_path):
    state, _ = record(tmp_path / 'pairs', [pair(0)], min_free_mb=1e9)
    assert 'disk full' in state.failure
    assert (state.pairs, state.lost) == (0, 1)


def test_a_folder_that_vanishes_ends_the_recording(tmp_path):
    recorder = open_recorder(tmp_path / 'pairs', budget_mb=1000.0)
    (tmp_path / 'pairs').rmdir()
    recorder.offer(pair(0))
    wait_until(lambda: recorder.state().failure)
    assert 'is gone' in recorder.state().failure
    assert recorder.state().free_bytes is None
    recorder.close()


def test_a_folder_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / 'file').write_text('x')
    with pytest.raises(ConfigError, match='cannot be written'):
        RecordingPlace(tmp_path / 'file' / 'pairs')


def test_a_queue_that_is_full_refuses_and_never_blocks(tmp_path):
    one = pair(0, size=(240, 320))
    place = RecordingPlace(tmp_path / 'pairs')
    recorder = PairRecorder(place, DiskBudget(10**9), queue_bytes=int(2.5 * one.nbytes))
    refusals = [recorder.offer(pair(index, size=(240, 320))) for index in range(300)]
    recorder.close()
    state = recorder.state()
    assert set(refusals) <= {None, 'queue'}
    assert refusals.count(None) == state.pairs
    assert state.used_bytes >= state.path.stat().st_size


def test_closing_has_a_time_limit_and_what_waits_then_is_counted(tmp_path):
    recorder = open_recorder(tmp_path / 'pairs', budget_mb=1000.0)
    accepted = sum(recorder.offer(pair(i, size=(480, 640))) is None for i in range(40))
    recorder.close(within_s=0.0)
    state = recorder.state()
    assert state.pairs + state.lost == accepted
    assert recorder.offer(pair(0)) == 'queue'
    recorder.close()
    if state.path is not None:
        assert len(content(state.path)) == 2 * state.pairs


KILLED = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import test_recorder as test
recorder = test.open_recorder(sys.argv[2], budget_mb=1000.0)
for index in range(10):
    recorder.offer(test.pair(index))
while recorder.state().pairs < 10:
    time.sleep(0.01)
print('written', flush=True)
time.sleep(60)
"""


def test_a_killed_process_leaves_every_pair_that_was_written(tmp_path):
    command = [sys.executable, '-c', KILLED, os.path.dirname(__file__), str(tmp_path / 'pairs')]  # noqa: PTH120
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == 'written\n'
        process.send_signal(signal.SIGKILL)
    [path] = files(tmp_path / 'pairs')
    with BagReader(path) as bag:
        found = [(each.topic, bytes(each.cdr)) for each in bag]
        assert bag.tear is not None
    assert found == expected([pair(index) for index in range(10)])
    assert extracted(path) == [pair(index).stamp_ns for index in range(10)]
