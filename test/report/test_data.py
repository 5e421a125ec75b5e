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
