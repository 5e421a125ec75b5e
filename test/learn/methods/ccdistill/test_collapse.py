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

"""Embeddings that all look alike are told of once."""

from __future__ import annotations

import torch
from torch.nn.functional import normalize

from xspec_ros.learn.methods.ccdistill.collapse import CollapseWatch, PATIENCE
from xspec_ros.learn.methods.ccdistill.loss import Quadruple


def alike(count=2):
    return Quadruple(*(normalize(torch.ones(count, 6, 8), dim=2) for _ in range(4)))


def varied():
    torch.manual_seed(0)
    return Quadruple(*(normalize(torch.randn(2, 6, 8), dim=2) for _ in range(4)))


def watch_over(caplog, *spells):
    watch = CollapseWatch()
    for matched, steps in spells:
        for _ in range(steps):
            if matched is not None:
                watch.see(matched)
            watch.step()
    return [record for record in caplog.records if 'look alike' in record.message]


def test_a_collapse_is_told_of_once(caplog):
    assert len(watch_over(caplog, (alike(), 2 * PATIENCE))) == 1


def test_a_short_one_is_not(caplog):
    spells = ((alike(), PATIENCE - 1), (varied(), 1), (alike(), PATIENCE - 1))
    assert watch_over(caplog, *spells) == []


def test_steps_without_content_change_nothing(caplog):
    spells = ((alike(), PATIENCE - 1), (None, 3), (alike(0), 3), (alike(), 1))
    assert len(watch_over(caplog, *spells)) == 1
