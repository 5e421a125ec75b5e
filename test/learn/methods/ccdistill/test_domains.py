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

"""Which pictures of a batch are what."""

from __future__ import annotations

import pytest
import torch

from xspec_ros.learn.methods.ccdistill.args import CcDistillArgs
from xspec_ros.learn.methods.ccdistill.domains import (
    arrange,
    domain_pictures,
    pair_rows,
    rgb_rows,
)

ORDER = [3, 1, 0, 2]


def lists(rows):
    return [each.tolist() for each in rows]


@pytest.fixture
def batch(pairs):
    """By day, by night, unknown with labels, unknown without."""
    return pairs._replace(
        day=torch.tensor([1, 0, -1, -1]), has_masks=torch.tensor([True, False, True, False])
    )


def test_an_unknown_hour_counts_as_day_where_there_are_labels(batch):
    assert lists(pair_rows(batch, ORDER)) == [[0, 2], [0, 2], [1]]


def test_of_rgb_pictures_the_labelled_are_the_source(batch):
    assert lists(rgb_rows(batch, ORDER)) == [[0, 2], [], [1]]
    day = batch._replace(day=torch.tensor([1, 0, -1, 1]))
    assert lists(rgb_rows(day, ORDER)) == [[0, 2], [3], [1]]


def test_labels_by_night_make_no_source(batch):
    labelled = batch._replace(has_masks=torch.ones(4, dtype=torch.bool))
    assert lists(rgb_rows(labelled, ORDER))[2] == [1]
    assert 1 not in lists(rgb_rows(labelled, ORDER))[0]
    assert lists(pair_rows(labelled, ORDER))[2] == [1]


def test_domains_come_from_their_rows(batch):
    rows = pair_rows(batch, ORDER)
    assert rows.whole()
    assert [rows.of(domain).tolist() for domain in ('sd', 'sn', 'td', 'ts', 'tn')] == [
        [0, 2],
        [0, 2],
        [0, 2],
        [0, 2],
        [1],
    ]
    assert not pair_rows(batch._replace(day=torch.ones(4, dtype=torch.int64)), ORDER).whole()


def test_the_arrangement_follows_the_names_and_changes_with_the_step():
    names = [f'picture {n}' for n in range(8)]
    order = arrange(names, seed=0, step=0)
    assert sorted(order) == list(range(8))
    turned = names[::-1]
    assert [names[n] for n in order] == [turned[n] for n in arrange(turned, seed=0, step=0)]
    assert order != arrange(names, seed=0, step=1)
    assert order != arrange(names, seed=1, step=0)


def test_only_needed_domains_have_pictures(batch):
    rows = pair_rows(batch, ORDER)

    def found(**arguments):
        args = CcDistillArgs(**arguments)
        return domain_pictures(batch.rgb, batch.thermal, batch, rows=rows, args=args, step=0)

    everything = found()
    assert {name: tuple(each.shape) for name, each in everything.items()} == {
        'sd': (2, 3, 64, 64),
        'sn': (2, 3, 64, 64),
        'td': (2, 1, 64, 64),
        'ts': (2, 1, 64, 64),
        'tn': (1, 1, 64, 64),
    }
    assert torch.equal(everything['sd'], batch.rgb[[0, 2]])
    assert torch.equal(everything['tn'], batch.thermal[[1]])
    plain = found(content=0.0, style=0.0)
    assert set(plain) == {'sd', 'sn', 'td'}
    assert torch.equal(plain['sn'], everything['sn'])


def test_an_rgb_target_gets_the_night_look_of_rgb(batch):
    batch = batch._replace(day=torch.tensor([1, 0, -1, 1]))
    rows = rgb_rows(batch, ORDER)
    args = CcDistillArgs()
    found = domain_pictures(batch.rgb, batch.rgb, batch, rows=rows, args=args, step=0)
    assert found['ts'].shape == (1, 3, 64, 64)
    assert not torch.equal(found['ts'], found['td'])


def test_without_a_night_picture_there_is_no_synthetic_target(batch):
    batch = batch._replace(day=torch.ones(4, dtype=torch.int64))
    rows = pair_rows(batch, ORDER)
    args = CcDistillArgs()
    found = domain_pictures(batch.rgb, batch.thermal, batch, rows=rows, args=args, step=0)
    assert {name: len(each) for name, each in found.items()} == {
        'sd': 4,
        'sn': 4,
        'td': 4,
        'ts': 0,
        'tn': 0,
    }
