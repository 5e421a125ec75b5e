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

from xspec_ros.report.data import pick_frames


def test_frames_are_picked_by_score_and_never_twice(notes):
    chosen = pick_frames(notes(), each=2)
    assert [note.stamp_ns for note in chosen['worst']] == [0, 1]
    assert [note.stamp_ns for note in chosen['best']] == [19, 18]
    assert [note.stamp_ns for note in chosen['typical']] == [9, 10]
    few = pick_frames(notes(3), each=2)
    stamps = [note.stamp_ns for frames in few.values() for note in frames]
    assert sorted(stamps) == [0, 1, 2]


def test_without_truth_confidence_decides(notes):
    chosen = pick_frames(notes(judged=False), each=1)
    assert [note.stamp_ns for note in chosen['best']] == [0]
