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

"""What is told, as JSON and for people."""

from __future__ import annotations

from pathlib import Path

import msgspec

from xspec_ros.learn.adapt.align import Alignment
from xspec_ros.learn.adapt.figures import Figures
from xspec_ros.learn.adapt.gather import Found
from xspec_ros.learn.adapt.report import AdaptReport

FOUND = Found(key='', read=90, whole=True, rejected_by={'noise': 30}, training=50, aside=10)


def test_an_empty_report_has_every_key():
    told = AdaptReport().as_json()
    assert {'before', 'after', 'accepted', 'reason', 'frames', 'minutes'} <= told.keys()
    assert {'registration', 'agreement', 'path', 'steps', 'warnings'} <= told.keys()
    assert (told['before'], told['accepted'], told['path']) == (None, False, None)
    assert told['frames']['read'] == 0
    msgspec.json.encode(told)


def test_a_full_one_tells_what_happened():
    report = AdaptReport(
        source='old',
        found=FOUND,
        alignment=Alignment(used=False, reason='no RGB pictures'),
        before=Figures(miou=0.5, consistency={'flip': 0.81}),
        after=Figures(miou=0.55, consistency={'flip': 0.82}, agreement=0.9),
        accepted=True,
        reason='mIoU 50.00 -> 55.00',
        steps=40,
        best_step=30,
        path=Path('models/new'),
        warnings=['look out'],
    )
    told = report.as_json()
    assert told['frames'] == {
        'read': 90,
        'chosen': 60,
        'training': 50,
        'kept_aside': 10,
        'pairs': 0,
        'rejected_by': {'noise': 30},
    }
    assert (told['agreement'], told['path']) == (0.9, 'models/new')
    text = report.as_text()
    for words in ('accepted: mIoU', 'noise 30', 'not used: no RGB', '40 steps, the best after 30'):
        assert words in text
    assert 'mIoU                       50.00   55.00' in text
    assert 'warning: look out' in text
    assert 'consistency is not accuracy' not in text


def test_figures_without_labels_say_what_they_are_not():
    figures = Figures(consistency={'flip': 0.81})
    report = AdaptReport(before=figures, after=figures, reason='so')
    assert 'consistency is not accuracy' in report.as_text()
    assert report.as_text().startswith('refused: so')
