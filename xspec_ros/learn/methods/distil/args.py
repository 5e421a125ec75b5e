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

"""Arguments of distillation."""

from __future__ import annotations

from typing import Annotated

import msgspec

Weight = Annotated[float, msgspec.Meta(ge=0)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class DistilArgs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Weights of the terms; with none for boxes the detection head is neither run nor trained.

    Attributes:
        soft: Weight of the divergence from the teacher's class probabilities.
        hard: Weight of the cross-entropy on pixels of which the teacher is sure.
        box: Weight of the GIoU with the teacher's boxes; the smallest of the three by nature.
        objectness: Weight of the divergence from the teacher's objectness.
        classification: Weight of the divergence from the teacher's box classes.
        temperature: Divides the logits of both in the soft term.
        confidence: Probability that the teacher's class must exceed for the hard term.
        score: Class probability times objectness that a teacher's cell must exceed to teach a
            box and its class.
    """

    soft: Weight = 1.0
    hard: Weight = 0.5
    box: Weight = 3.0
    objectness: Weight = 1.0
    classification: Weight = 1.0
    temperature: Annotated[float, msgspec.Meta(gt=0)] = 2.0
    confidence: Share = 0.8
    score: Share = 0.3
