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

"""The model card says where the weights come from and what they may be used for."""

from __future__ import annotations

import msgspec

from xspec_ros.bundle.card import model_card
from xspec_ros.bundle.manifest import Precision, Provenance, Verified


def test_every_source_stands_there_with_its_licence(manifest):
    data = [
        {
            'name': 'msrs',
            'use': 'train',
            'fold': 'train_a',
            'pictures': 79,
            'licence': 'none stated',
        },
        {
            'name': 'hit_uav',
            'use': 'train',
            'fold': 'train_b',
            'pictures': 46,
            'licence': 'CC BY 4.0',
        },
    ]
    card = model_card(msgspec.structs.replace(manifest, provenance=Provenance(data=data)))
    assert '| msrs | train | train_a | 79 | none stated |' in card
    assert '| hit_uav | train | train_b | 46 | CC BY 4.0 |' in card
    assert 'research and evaluation' in card


def test_weights_without_data_or_figures_say_so(manifest):
    card = model_card(manifest)
    assert 'were not trained' in card
    assert 'have not been measured' in card
    assert 'None of the engines was verified' in card


def test_figures_and_verification_stand_there(manifest):
    seen = Verified(label_agreement=0.9999, box_px=0.01, ok=True, frames=54, data='msrs val')
    classes = {'car': {'iou': 0.25, 'ap50': None}, 'sky': {'iou': None}}
    sources = {'msrs': {'miou': 0.3, 'map50': 0.5, 'per_class': classes}}
    metrics = {'map50': 0.51234, 'step': 9, 'sources': sources}
    data = [{'name': 'msrs', 'use': 'validation', 'fold': 'val'}]
    card = model_card(
        msgspec.structs.replace(
            manifest,
            precisions={'fp32': Precision(graphs={'thermal': 'a.onnx'}, verified={'torch': seen})},
            provenance=Provenance(metrics=metrics, data=data),
        )
    )
    assert '| all | - | - | - | 0.512 | - |' in card
    assert '| msrs | val | 0.300 | - | 0.500 | - |' in card
    assert '| car | 0.250 | - | - |' in card
    assert '| sky | -' not in card
    assert '- step: 9' in card
    assert '| torch | fp32 | 99.990 | 0.010 | - | - | 54, msrs val | passed |' in card


def test_a_pipe_in_a_licence_does_not_break_the_table(manifest):
    data = [{'name': 'a|b', 'licence': 'x\ny'}]
    card = model_card(msgspec.structs.replace(manifest, provenance=Provenance(data=data)))
    assert '| a/b | not stated | not stated | not stated | x y |' in card
