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

from dataclasses import replace

import numpy as np
import pytest

from xspec_ros.bag.extract import decode_record, extract_pairs, Extraction, record_stamp
from xspec_ros.bag.inputs import choose_inputs
from xspec_ros.bag.reader import BagReader
from xspec_ros.core.sync import SyncSettings
from xspec_ros.errors import ConfigError, MessageError
from xspec_ros.perception.settings import InputSettings

CAMERAS = {'rgb': InputSettings(), 'thermal': InputSettings()}


def test_pack_and_extract_give_the_same_samples(labelled, labelled_bag):
    state = Extraction()
    with BagReader(labelled_bag) as reader:
        inputs = choose_inputs(reader, CAMERAS, needed=())
        found = list(extract_pairs(reader, inputs, SyncSettings(), state=state))
    assert (state.pairs, state.written, state.rejected) == (3, 3, {})
    for sample, back in zip(labelled, found, strict=True):
        np.testing.assert_array_equal(sample.rgb, back.rgb)
        np.testing.assert_array_equal(sample.thermal, back.thermal)
        for one, two in ((sample.label_map, back.label_map),):
            assert (one is None) == (two is None)
            if one is not None:
                np.testing.assert_array_equal(one, two)
        assert (sample.boxes_thermal is None) == (back.boxes_thermal is None)
        if sample.boxes_thermal is not None:
            for name in ('boxes_xyxy', 'class_ids', 'crowd'):
                one = getattr(sample.boxes_thermal, name)
                np.testing.assert_array_equal(one, getattr(back.boxes_thermal, name))
        assert back.boxes_rgb is None


def test_every_takes_one_pair_out_of_so_many(labelled_bag):
    with BagReader(labelled_bag) as reader:
        inputs = choose_inputs(reader, CAMERAS, needed=())
        taken = list(extract_pairs(reader, inputs, SyncSettings(), every=2, state=Extraction()))
        assert len(taken) == 2
        with pytest.raises(ConfigError):
            list(extract_pairs(reader, inputs, SyncSettings(), every=0, state=Extraction()))


def test_a_stamp_is_read_without_its_picture(labelled_bag):
    with BagReader(labelled_bag) as reader:
        inputs = choose_inputs(reader, CAMERAS, needed=())
        for record in reader.messages(list(inputs.cameras)):
            modality, _ = inputs.cameras[record.topic]
            assert record_stamp(record) == decode_record(record, modality).stamp_ns
    with pytest.raises(MessageError):
        record_stamp(replace(record, cdr=record.cdr[:9]))
