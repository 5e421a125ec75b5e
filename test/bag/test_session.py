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

import json

from xspec_ros.bag.reader import BagReader
from xspec_ros.bag.writer import BagWriter
from xspec_ros.messages.topics import (
    IMAGE_TYPE,
    SEGMENTATION,
    THERMAL,
)

FRAMES = 6


def test_truth_is_evaluated_and_summary_and_report_are_written(replay, bag, tiny_bundle, tmp_path):
    found = replay(bag, tiny_bundle, tmp_path / 'out')
    metrics = found.summary['metrics']
    assert 0.0 <= metrics['miou'] <= 1.0
    assert 0.0 <= metrics['map50'] <= 1.0
    assert set(metrics['per_class']['car']) >= {'iou', 'ap50'}
    summary = json.loads((tmp_path / 'out/summary.json').read_text())
    assert summary['answered'] == FRAMES
    page = (tmp_path / 'out/report.html').read_text()
    assert page.count('data:image/jpeg') == 3 * FRAMES
    assert 'http' not in page.replace('http-equiv', '')


def test_ctrl_c_keeps_closed_results(replay, bag, tiny_bundle, tmp_path):
    from contextlib import contextmanager

    calls = []

    def press():
        calls.append(1)
        if len(calls) == 5:
            raise KeyboardInterrupt

    @contextmanager
    def interrupting(text, total):
        yield press

    found = replay(bag, tiny_bundle, tmp_path / 'out', progress=interrupting)
    assert found.interrupted
    assert 0 < found.summary['answered'] < FRAMES
    assert 'Ctrl-C' in str(found.error)
    with BagReader(tmp_path / 'out/results.mcap') as results:
        assert len(list(results.messages([SEGMENTATION]))) == found.summary['answered']
        assert results.tear is None
    assert json.loads((tmp_path / 'out/summary.json').read_text())


def test_full_disk_keeps_perceiving_and_the_partial_results(
    replay, bag, tiny_bundle, tmp_path, small_disk
):
    replay(bag, tiny_bundle, tmp_path / 'whole')
    size = (tmp_path / 'whole/results.mcap').stat().st_size
    with small_disk(size // 2):
        found = replay(bag, tiny_bundle, tmp_path / 'out', job={'report': False})
    assert found.summary['answered'] == FRAMES
    assert found.summary['metrics']['miou'] is not None
    assert 'cannot be written' in str(found.error)
    with BagReader(tmp_path / 'out/results.mcap') as results:
        assert len(list(results)) > 0
        assert results.tear is None


def test_a_bag_without_usable_frame_is_an_error(replay, tiny_bundle, tmp_path):
    path = tmp_path / 'bad.mcap'
    with BagWriter(path) as writer:
        writer.write(THERMAL, IMAGE_TYPE, b'\0\1\0\0', 1)
    found = replay(path, tiny_bundle, tmp_path / 'out')
    assert not found.usable
    assert 'no usable frame' in str(found.error)
