from __future__ import annotations

from html.parser import HTMLParser
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from xspec_ros.bundle.manifest import InputContract, Manifest, Network, Precision, Thresholds
from xspec_ros.core.labels import DEFAULT_CLASSES, DEFAULT_DETECTION_CLASSES
from xspec_ros.report.data import FrameNote, pick_frames, Picture, ReplayReport
from xspec_ros.report.figures import histogram, timeline
from xspec_ros.report.html import render

MANIFEST = Manifest(
    schema_version=1,
    name='a<b>',
    tasks=('segmentation', 'detection'),
    network=Network(name='student'),
    classes=DEFAULT_CLASSES,
    detection_classes=DEFAULT_DETECTION_CLASSES,
    input=InputContract(),
    thresholds=Thresholds(),
    precisions={'fp32': Precision(graphs={'thermal': 'thermal.onnx'})},
    files={},
)
LATENCY = {'total': {'p50': 3.0, 'p95': 4.0, 'p99': 5.0, 'max': 6.0, 'mean': 3.1}}
METRICS = {
    'miou': 0.5,
    'map50': 0.25,
    'map': 0.1,
    'per_class': {
        'car': {'iou': 0.5, 'ap': 0.1, 'ap50': 0.25},
        'sky': {'iou': None, 'ap50': None},
    },
}


def notes(count=20, *, judged=True):
    return tuple(
        FrameNote(
            time_s=index / 10,
            outcome='answered',
            stamp_ns=index,
            confidence=1 - index / count,
            score=index / count if judged else None,
            total_ms=2.0 + index,
        )
        for index in range(count)
    )


def report(**more):
    given = {
        'title': 'drive <1>.mcap',
        'manifest': MANIFEST,
        'model_hash': 'f' * 64,
        'summary': {'thermal': 20, 'answered': 20, 'latency_ms': LATENCY, 'metrics': METRICS},
        'notes': notes(),
        'pictures': (
            Picture(
                title='best',
                caption='at 1 s & more',
                panels=(('thermal', np.zeros((8, 8), np.uint8)),),
            ),
        ),
        'problems': ('torn <here>',),
    }
    return ReplayReport(**{**given, **more})


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open = []
        self.sources = []

    def handle_starttag(self, tag, attrs):
        self.sources += [value for name, value in attrs if name in {'src', 'href'}]
        if tag not in {'meta', 'img', 'rect', 'line', 'path', 'br'}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in {'rect', 'line', 'path'}:
            assert self.open.pop() == tag


def test_page_is_well_formed_and_loads_nothing():
    page = render(report())
    tags = Tags()
    tags.feed(page)
    assert tags.open == []
    assert tags.sources
    assert all(source.startswith('data:') for source in tags.sources)
    assert not re.search(r'url\(|@import|<script', page)


def test_texts_are_escaped():
    page = render(report())
    for text in ('drive &lt;1&gt;.mcap', 'torn &lt;here&gt;', 'a&lt;b&gt;', '1 s &amp; more'):
        assert text in page


def test_metrics_show_classes_with_truth_only():
    page = render(report())
    table = page[page.index('Agreement') : page.index('answered frames have truth')]
    assert 'car' in table
    assert 'sky' not in table
    assert 'no ground truth' in render(report(summary={'metrics': {'miou': None, 'map50': None}}))


def test_page_of_an_empty_run_is_a_page():
    page = render(report(summary={}, notes=(), pictures=(), problems=()))
    assert 'No frame was answered' in page
    assert 'No frame arrived' in page


@pytest.mark.parametrize('values', [[0.0], [1.0, 1.0], list(range(100)), [1e-9, 1e6]])
def test_histogram_is_valid_svg(values):
    ET.fromstring(histogram(values, unit='ms'))


def test_timeline_has_a_lane_for_every_cause():
    lost = FrameNote(time_s=0.5, outcome='dropped', cause='overflow')
    picture = timeline((*notes(), lost))
    ET.fromstring(picture)
    assert 'answered (20)' in picture
    assert 'dropped: overflow (1)' in picture


def test_timeline_of_a_long_bag_stays_small():
    assert len(timeline(notes(50_000))) < 200_000


def test_frames_are_picked_by_score_and_never_twice():
    chosen = pick_frames(notes(), each=2)
    assert [note.stamp_ns for note in chosen['worst']] == [0, 1]
    assert [note.stamp_ns for note in chosen['best']] == [19, 18]
    assert [note.stamp_ns for note in chosen['typical']] == [9, 10]
    few = pick_frames(notes(3), each=2)
    stamps = [note.stamp_ns for frames in few.values() for note in frames]
    assert sorted(stamps) == [0, 1, 2]


def test_without_truth_confidence_decides():
    chosen = pick_frames(notes(judged=False), each=1)
    assert [note.stamp_ns for note in chosen['best']] == [0]
