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

import torch

from xspec_ros.learn.train.journal import Journal


def test_curves_and_lines_are_written(tmp_path, caplog):
    caplog.set_level('INFO')
    journal = Journal(tmp_path, steps=4, log_every=2, pictures_a_step=8)
    for step in range(4):
        journal.step(step, {'seg': torch.tensor(0.5)}, lr=0.1)
    journal.validation(
        4,
        {
            'miou': 0.5,
            'map50': None,
            'map': None,
            'per_class': {'car': {'iou': 0.5, 'ap50': None}},
        },
        1.0,
    )
    journal.close()
    lines = [record.getMessage() for record in caplog.records]
    assert [line.split(' loss')[0] for line in lines[:2]] == ['step 2/4', 'step 4/4']
    assert 'val/mIoU 0.500' in lines[2]
    assert 'mAP50' not in lines[2]
    assert list((tmp_path / 'events').iterdir())
