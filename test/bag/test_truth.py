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

import numpy as np

from xspec_ros.bag.reader import BagReader
from xspec_ros.bag.truth import TruthBook
from xspec_ros.core.labels import ClassLabel, UNLABELLED

SIZE = (24, 32)


def test_truth_is_mapped_to_the_models_classes_by_name(labelled, labelled_bag):
    book = TruthBook(
        [ClassLabel(name='car'), ClassLabel(name='street', aliases=('road',))], ['car']
    )
    with BagReader(labelled_bag) as reader:
        for record in reader:
            book.take(record)
    stamp_ns = 1_700_000_000_000_000_000
    source = labelled[0].label_map
    assert source is not None
    found = book.label_map(stamp_ns, SIZE)
    assert found is not None
    np.testing.assert_array_equal(found == 0, source == 10)
    np.testing.assert_array_equal(found == 1, source == 0)
    assert set(np.unique(found)) == {0, 1, UNLABELLED}
    boxes = book.boxes(stamp_ns)
    assert boxes is not None
    assert boxes.class_ids.tolist() == [0, -1]


def test_truth_of_another_size_or_stamp_is_no_truth(labelled_bag):
    book = TruthBook()
    with BagReader(labelled_bag) as reader:
        for record in reader:
            book.take(record)
    assert book.label_map(1, SIZE) is None
    assert book.label_map(1_700_000_000_000_000_000, (9, 9)) is None
    assert book.problems
