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

from html.parser import HTMLParser
import re

import numpy as np
import pytest

from xspec_ros.bundle.manifest import InputContract, Manifest, Network, Precision, Thresholds
from xspec_ros.core.labels import DEFAULT_CLASSES, DEFAULT_DETECTION_CLASSES
from xspec_ros.report.data import Picture, ReplayReport
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


@pytest.fixture
def report(notes):
    def make(**more):
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

    return make


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


def test_page_is_well_formed_and_loads_nothing(report):
    page = render(report())
    tags = Tags()
    tags.feed(page)
    assert tags.open == []
    assert tags.sources
    assert all(source.startswith('data:') for source in tags.sources)
    assert not re.search(r'url\(|@import|<script', page)


def test_texts_are_escaped(report):
    page = render(report())
    for text in ('drive &lt;1&gt;.mcap', 'torn &lt;here&gt;', 'a&lt;b&gt;', '1 s &amp; more'):
        assert text in page


def test_metrics_show_classes_with_truth_only(report):
    page = render(report())
    table = page[page.index('Agreement') : page.index('answered frames have truth')]
    assert 'car' in table
    assert 'sky' not in table
    assert 'no ground truth' in render(report(summary={'metrics': {'miou': None, 'map50': None}}))


def test_page_of_an_empty_run_is_a_page(report):
    page = render(report(summary={}, notes=(), pictures=(), problems=()))
    assert 'No frame was answered' in page
    assert 'No frame arrived' in page
