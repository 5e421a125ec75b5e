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

"""A fused model over bags with both cameras, with a gap, and with one camera only."""

from __future__ import annotations

import json

import pytest

from xspec_ros.bag.pack import pack
from xspec_ros.bag.reader import BagReader
from xspec_ros.bag.writer import BagWriter
from xspec_ros.messages.topics import RGB, SEGMENTATION, THERMAL

FRAMES = 6
GAP = (2, 3)


@pytest.fixture
def pairs(samples, tmp_path):
    """Return a function that writes the drive, some messages of it left out."""

    def write(name, leave_out=lambda topic, index: False):
        whole, path = tmp_path / f'{name}_whole.mcap', tmp_path / f'{name}.mcap'
        with BagWriter(whole) as writer:
            pack(samples, writer, bits=16)
        seen = dict.fromkeys((RGB, THERMAL), -1)
        with BagReader(whole) as reader, BagWriter(path) as writer:
            for record in reader:
                if record.topic in seen:
                    seen[record.topic] += 1
                    if leave_out(record.topic, seen[record.topic]):
                        continue
                writer.write(record.topic, record.type_name, bytes(record.cdr), record.log_ns)
        return path

    return write


def test_both_cameras_are_used_for_every_frame(replay, pairs, fused_bundle, tmp_path):
    found = replay(pairs('both'), fused_bundle, tmp_path / 'out', mode='fused')
    summary = found.summary
    assert (summary['thermal'], summary['answered'], summary['pairs']) == (FRAMES,) * 3
    assert (summary['degraded'], summary['degraded_by']) == (0, {})
    assert summary['metrics']['miou'] is not None


def test_a_gap_of_rgb_is_answered_from_thermal_and_counted(replay, pairs, fused_bundle, tmp_path):
    path = pairs('gap', lambda topic, index: topic == RGB and index in GAP)
    summary = replay(path, fused_bundle, tmp_path / 'out', mode='fused').summary
    assert summary['answered'] == FRAMES
    assert summary['degraded'] == len(GAP)
    assert sum(summary['degraded_by'].values()) == len(GAP)
    with BagReader(tmp_path / 'out/results.mcap') as results:
        assert len(list(results.messages([SEGMENTATION]))) == FRAMES
    written = json.loads((tmp_path / 'out/summary.json').read_text())
    assert written['degraded_by'] == summary['degraded_by']
    assert 'degraded: slop' in (tmp_path / 'out/report.html').read_text()


def test_thermal_alone_is_answered_degraded_and_like_the_thermal_mode(
    replay, pairs, fused_bundle, tmp_path
):
    path = pairs('thermal', lambda topic, index: topic == RGB)
    fused = replay(path, fused_bundle, tmp_path / 'a', mode='fused')
    assert fused.summary['degraded'] == fused.summary['answered'] == FRAMES
    assert 'no rgb images' in fused.problems
    replay(path, fused_bundle, tmp_path / 'b', mode='thermal')
    answers = []
    for name in 'ab':
        with BagReader(tmp_path / name / 'results.mcap') as results:
            answers.append([bytes(record.cdr) for record in results.messages([SEGMENTATION])])
    assert answers[0] == answers[1]


def test_rgb_alone_needs_no_thermal_topic(replay, pairs, fused_bundle, tmp_path):
    path = pairs('rgb', lambda topic, index: topic == THERMAL)
    found = replay(path, fused_bundle, tmp_path / 'out', mode='rgb')
    assert found.summary['answered'] == FRAMES
    assert found.summary['degraded'] == 0
