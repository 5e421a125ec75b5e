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

"""Arguments of complementary random masking."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

Weight = Annotated[float, msgspec.Meta(ge=0)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Strategy = Literal['rand_comp', 'comp', 'indiv', 'none']


class CrmArgs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is hidden and what each term weighs.

    Attributes:
        rho: Share of the patches that a draw hides.
        patch: Side of a patch in pixels; the picture is a whole number of them.
        strategy: How the two cameras' masks belong together; ``none`` leaves the masked passes
            out, which is plain fusion.
        mws: Weight of the supervision of the thermal and the RGB path.
        mask: Weight of the supervision of the masked fused path.
        sdc: Weight of the self-distillation into the masked fused path.
        sdn: Weight of the self-distillation into the masked thermal and RGB paths.
        ramp: Share of the run in which the terms of unlabelled pictures grow to their weight.
        confidence: Least probability of the fused path's class at which an unlabelled cell
            counts.
        complement: Weight of pixels known to be none of the annotated classes.
        detection: Weight of the box losses, each path's; at 0 the head is neither run nor trained.
        seed: Of the masks.
    """

    rho: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.5
    patch: Annotated[int, msgspec.Meta(gt=0, multiple_of=4)] = 32
    strategy: Strategy = 'rand_comp'
    mws: Weight = 1.0
    mask: Weight = 1.0
    sdc: Weight = 1.0
    sdn: Weight = 1.0
    ramp: Share = 0.2
    confidence: Share = 0.5
    complement: Weight = 1.0
    detection: Weight = 1.0
    seed: int = 0
