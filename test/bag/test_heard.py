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

"""What is heard of a live node ends up in a file, in times and in counts."""

from __future__ import annotations

import numpy as np
import pytest

from xspec_ros.bag.heard import AnswerRecorder, BagFrames
from xspec_ros.bag.reader import BagReader
from xspec_ros.core.result import Detections
from xspec_ros.messages.detections import encode_detections
from xspec_ros.messages.diagnostics import encode_diagnostics, OK, Status
from xspec_ros.messages.labels import encode_label_info
from xspec_ros.messages.topics import (
    DETECTIONS,
    DETECTIONS_TYPE,
    DIAGNOSTICS,
    DIAGNOSTICS_TYPE,
    LABEL_INFO,
    LABEL_INFO_TYPE,
)

STAMPS = (10**9, 2 * 10**9, 3 * 10**9)
FRAMES = BagFrames(log_ns={stamp: stamp + 5 for stamp in STAMPS}, messages=3)
MS = 1_000_000


def boxes(stamp_ns):
    return encode_detections(Detections.empty(), [], stamp_ns=stamp_ns, frame_id='t')


def diagnostics(node='perception', **counts):
    engine = {'model': 'm', 'engine': 'e', 'precision': 'p', 'hash': 'abc', 'mode': 'thermal'}
    statuses = [
        Status(level=OK, name=f'{node}: pipeline', message='', values=counts),
        Status(level=OK, name=f'{node}: engine', message='', values=engine),
    ]
    return encode_diagnostics(statuses, stamp_ns=1)


@pytest.fixture
def recorder(tmp_path):
    made = AnswerRecorder(tmp_path / 'results.mcap', FRAMES)
    yield made
    made.close()


def tell(recorder, cdr):
    recorder.take(DIAGNOSTICS, DIAGNOSTICS_TYPE, cdr, 0)


def answer(recorder, stamp_ns, now_ns=0):
    recorder.take(DETECTIONS, DETECTIONS_TYPE, boxes(stamp_ns), now_ns)


def test_answers_are_logged_at_the_time_of_their_frames(recorder, tmp_path):
    for stamp_ns in STAMPS:
        answer(recorder, stamp_ns)
    recorder.close()
    with BagReader(tmp_path / 'results.mcap') as bag:
        assert [record.log_ns for record in bag] == [stamp + 5 for stamp in STAMPS]


def test_latency_is_from_picture_to_answer_whichever_callback_came_first(recorder):
    for index, stamp_ns in enumerate(STAMPS):
        recorder.see(boxes(stamp_ns), (100 + 30 * index) * MS)
    answer(recorder, STAMPS[0], 140 * MS)
    answer(recorder, STAMPS[1], 129 * MS)
    heard = recorder.heard()
    assert heard.latency_ms == {STAMPS[0]: 40.0, STAMPS[1]: 0.0}
    assert heard.seconds == pytest.approx(0.04)


def test_label_info_tells_that_the_node_is_active(recorder):
    assert not recorder.active
    cdr = encode_label_info(['road'], stamp_ns=0, frame_id='', threshold=0.0)
    recorder.take(LABEL_INFO, LABEL_INFO_TYPE, cdr, 0)
    assert recorder.active


def test_all_answered_is_complete_without_diagnostics(recorder):
    for stamp_ns in STAMPS:
        assert not recorder.complete
        answer(recorder, stamp_ns)
    assert recorder.complete


def test_the_nodes_own_counts_are_waited_for(recorder):
    tell(recorder, diagnostics(answered='0', dropped='0', rejected='0'))
    for stamp_ns in STAMPS:
        recorder.see(boxes(stamp_ns), 0)
        answer(recorder, stamp_ns)
    assert not recorder.complete
    tell(recorder, diagnostics(answered='3', dropped='0', rejected='0'))
    assert recorder.complete


def test_frames_that_the_node_gave_up_complete_it(recorder):
    recorder.see(boxes(STAMPS[0]), 0)
    answer(recorder, STAMPS[0])
    tell(recorder, diagnostics(answered='1', dropped='1', rejected='0'))
    assert not recorder.complete
    tell(recorder, diagnostics(answered='1', dropped='1', rejected='1'))
    assert recorder.complete


def test_an_answer_still_under_way_is_waited_for(recorder):
    recorder.see(boxes(STAMPS[0]), 0)
    answer(recorder, STAMPS[0])
    tell(recorder, diagnostics(answered='2', dropped='1', rejected='0'))
    assert not recorder.complete
    answer(recorder, STAMPS[1])
    assert recorder.complete


def test_what_the_node_counted_before_the_bag_is_left_out(recorder):
    before = {'answered': '100', 'dropped': '7', 'rejected': '0', 'dropped_by/overflow': '7'}
    tell(recorder, diagnostics(**before))
    recorder.see(boxes(STAMPS[0]), 0)
    after = before | {'answered': '102', 'dropped': '8', 'dropped_by/overflow': '8', 'fps': '9.5'}
    tell(recorder, diagnostics(**after))
    heard = recorder.heard()
    assert heard.counts == {
        'answered': 2, 'dropped': 1, 'rejected': 0, 'dropped_by': {'overflow': 1},
    }  # fmt: skip
    assert heard.engine == {'model': 'm', 'engine': 'e', 'precision': 'p', 'hash': 'abc'}


def test_diagnostics_of_other_nodes_and_rubbish_count_nothing(recorder):
    tell(recorder, diagnostics(node='other', answered='3'))
    tell(recorder, b'\0\1\0\0rubbish')
    assert recorder.heard().counts == {}
    assert not recorder.complete


def test_a_full_disk_is_told_once_and_the_rest_goes_on(tmp_path, small_disk):
    recorder = AnswerRecorder(tmp_path / 'results.mcap', FRAMES)
    rng = np.random.default_rng(0)
    with small_disk(20_000):
        for _ in range(200):
            for stamp_ns in STAMPS:
                noisy = boxes(stamp_ns) + rng.bytes(4000)
                recorder.take(DETECTIONS, DETECTIONS_TYPE, noisy, 0)
        recorder.close()
    assert 'cannot be written' in str(recorder.error)
    assert recorder.complete
