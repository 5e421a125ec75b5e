from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from xspec_ros.report.data import FrameNote
from xspec_ros.report.figures import histogram, timeline


@pytest.mark.parametrize('values', [[0.0], [1.0, 1.0], list(range(100)), [1e-9, 1e6]])
def test_histogram_is_valid_svg(values):
    ET.fromstring(histogram(values, unit='ms'))


def test_timeline_has_a_lane_for_every_cause(notes):
    lost = FrameNote(time_s=0.5, outcome='dropped', cause='overflow')
    picture = timeline((*notes(), lost))
    ET.fromstring(picture)
    assert 'answered (20)' in picture
    assert 'dropped: overflow (1)' in picture


def test_timeline_of_a_long_bag_stays_small(notes):
    assert len(timeline(notes(20_000))) < 200_000
