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

"""The method around small students, and batches of several domains."""

from __future__ import annotations

import pytest

torch = pytest.importorskip('torch')


@pytest.fixture
def build(context):
    """Return a function that builds the method around small students."""

    def make(*, modality='thermal', encoder='light', **arguments):
        from xspec_ros.config import convert
        from xspec_ros.learn.methods.ccdistill.args import CcDistillArgs
        from xspec_ros.learn.methods.ccdistill.method import CcDistill

        args = convert({'grid': (2, 2), **arguments}, CcDistillArgs, 'method.arguments')
        return CcDistill(context('student', modality=modality, encoder=encoder), args)

    return make


@pytest.fixture
def cameras(pairs, night, rows, together):
    """RGB alone: two labelled pictures, one of the target by day, one by night."""
    day = rows(pairs, [2])
    unlabelled = day._replace(has_masks=torch.tensor([False]), has_boxes=torch.tensor([False]))
    batch = together(rows(pairs, [0, 1]), unlabelled, rows(night, [3]))
    return batch._replace(thermal=None)
