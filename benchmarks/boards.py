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

"""What the tables of ``benchmarks.uda`` show: their rows, columns and the ends of the gap."""

from __future__ import annotations

from dataclasses import dataclass

BLACK = 'fused, black RGB'  # the fused graph, fed what a dead camera gives
Row = tuple[str, str, str]
"""Title, stage, and the mode that it is measured in."""
Column = tuple[str, str, tuple[str, ...]]
"""Title, validation source, and where the figure stands among its figures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """One table.

    Attributes:
        rows: Its rows.
        columns: Its columns; empty: mIoU of everything together and of each source.
        low: Stage whose thermal mIoU is the near end of the gap; empty without a gap.
        high: Stage whose thermal mIoU is its far end.
    """

    rows: tuple[Row, ...]
    columns: tuple[Column, ...] = ()
    low: str = ''
    high: str = ''


OBJECTS = ('car', 'person', 'bicycle')
WITHOUT_LABELS = Board(
    rows=(
        ('RGB before its last stage, on RGB', 'base', 'rgb'),
        ('RGB oracle, on RGB', 'teacher', 'rgb'),
        ('source-only', 'teacher', 'thermal'),
        ('pseudo-labels only', 'pseudo', 'thermal'),
        ('masked mutual, stage 1', 'mutual_1', 'thermal'),
        ('masked mutual, stage 2', 'mutual_2', 'thermal'),
        ('CCDistill without its correlation terms', 'ccdistill_plain', 'thermal'),
        ('CCDistill', 'ccdistill', 'thermal'),
        ('CrossMatch from the RGB network', 'crossmatch', 'thermal'),
        ('plain fusion, both cameras', 'fusion', 'fused'),
        ('plain fusion, black RGB', 'fusion', BLACK),
        ('CRM, both cameras', 'crm', 'fused'),
        ('CRM, RGB removed (thermal graph)', 'crm', 'thermal'),
        ('CRM, black RGB', 'crm', BLACK),
        ('CRM, thermal removed (RGB graph)', 'crm', 'rgb'),
        ('CRM distilled', 'distilled', 'thermal'),
        ('thermal oracle', 'oracle', 'thermal'),
    ),
    low='teacher',
    high='oracle',
)
REAL = Board(
    rows=WITHOUT_LABELS.rows,
    columns=(
        *((f'IoU {name}', 'mfnet', ('per_class', name, 'iou')) for name in OBJECTS),
        *(
            (f'{name}, background', 'mfnet, background', ('per_class', name, 'iou'))
            for name in OBJECTS
        ),
        *((f'AP50 {name}', 'msrs', ('per_class', name, 'ap50')) for name in OBJECTS),
        ('mAP50', 'msrs', ('map50',)),
    ),
    low='teacher',
    high='oracle',
)
OTHER = 'synth seed 94, other camera'
OTHER_CAMERA = Board(
    rows=(
        ('deployed model', 'oracle', 'thermal'),
        ('its own labels (arg-max)', 'own_labels', 'thermal'),
        ('CrossMatch without RGB and consistency', 'crossmatch_alone', 'thermal'),
        ('CrossMatch without consistency', 'crossmatch_plain', 'thermal'),
        ('CrossMatch', 'crossmatch', 'thermal'),
        ('labels of the RGB network by day', 'rgb_labels', 'thermal'),
        ('the same and its own, averaged teacher', 'rgb_alone', 'thermal'),
        ('CrossMatch from the RGB network, without consistency', 'rgb_plain', 'thermal'),
        ('CrossMatch from the RGB network', 'rgb_crossmatch', 'thermal'),
        ('oracle of the other camera', 'other_oracle', 'thermal'),
    ),
    columns=(
        ('mIoU', 'all', ('miou',)),
        ('mIoU day', f'{OTHER} day', ('miou',)),
        ('mIoU night', f'{OTHER} night', ('miou',)),
        ('mAP50', 'all', ('map50',)),
        ('mAP', 'all', ('map',)),
    ),
    low='oracle',
    high='other_oracle',
)
BOX_ROWS: tuple[Row, ...] = (
    ('RGB teacher, on RGB', 'teacher', 'rgb'),
    ('RGB teacher, on thermal', 'teacher', 'thermal'),
    ('thermal baseline', 'baseline', 'thermal'),
    ('+ contrast', 'contrast', 'thermal'),
    ('+ guidance', 'guidance', 'thermal'),
    ('+ both (cgdet)', 'cgdet', 'thermal'),
    ('baseline from nothing', 'scratch', 'thermal'),
    ('guidance from nothing', 'scratch_guidance', 'thermal'),
    ('both from nothing', 'scratch_cgdet', 'thermal'),
    ('both from nothing, contrast with memory', 'scratch_memory', 'thermal'),
    ("the teacher's heads", 'heads', 'thermal'),
    ("the teacher's heads + contrast", 'heads_contrast', 'thermal'),
    ("the teacher's heads + guidance", 'heads_guidance', 'thermal'),
    ("the teacher's heads + both", 'heads_cgdet', 'thermal'),
    ('no thermal labels: pseudo-boxes alone', 'unlabelled', 'thermal'),
    ('no thermal labels: + both', 'unlabelled_cgdet', 'thermal'),
    ('boxes alone', 'boxes', 'thermal'),
    ('masks alone', 'masks', 'thermal'),
)
BOXES = Board(
    rows=BOX_ROWS,
    columns=(
        ('mAP', 'all', ('map',)),
        ('mAP50', 'all', ('map50',)),
        ('mAP75', 'all', ('map75',)),
        ('mAP day', 'synth seed 93 day', ('map',)),
        ('mAP night', 'synth seed 93 night', ('map',)),
        ('mIoU', 'all', ('miou',)),
    ),
)
REAL_BOXES = Board(
    rows=BOX_ROWS,
    columns=(
        ('mAP', 'all', ('map',)),
        ('mAP50', 'all', ('map50',)),
        ('mAP75', 'all', ('map75',)),
        *((f'AP50 {name}', 'all', ('per_class', name, 'ap50')) for name in OBJECTS),
    ),
)
BOARDS = {
    'uda_synth': WITHOUT_LABELS,
    'uda_real': REAL,
    'adapt_synth': OTHER_CAMERA,
    'detect_synth': BOXES,
    'detect_real': REAL_BOXES,
}
