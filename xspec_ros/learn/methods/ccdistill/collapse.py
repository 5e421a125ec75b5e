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

"""The trivial optimum of content distillation, seen while it happens."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from xspec_ros.learn.methods.ccdistill.loss import content_degree

if TYPE_CHECKING:
    import torch

    from xspec_ros.learn.methods.ccdistill.loss import Quadruple

LOG = logging.getLogger(__name__)
FLAT = 0.01  # least standard deviation of the cosines between the places of two pictures
PATIENCE = 500  # steps


class CollapseWatch:
    """Warns once when all places of all pictures look alike for long."""

    def __init__(self) -> None:
        self._spread: torch.Tensor | None = None
        self._flat_steps = 0

    def see(self, matched: Quadruple) -> None:
        """Keep the spread of ``c_SdTd`` until the step is done."""
        known = matched.known()[..., None].float()
        sd, td = matched.sd.detach(), matched.td.detach()
        cosines = content_degree(sd, td)[content_degree(known, known) > 0]
        self._spread = cosines.std() if len(cosines) > 1 else None

    def step(self) -> None:
        """Count what was seen since the last step of the optimiser."""
        if self._spread is None:
            return
        self._flat_steps = self._flat_steps + 1 if float(self._spread) < FLAT else 0
        self._spread = None
        if self._flat_steps == PATIENCE:
            text = 'content embeddings look alike everywhere for %d steps: they teach nothing'
            LOG.warning(text, PATIENCE)
