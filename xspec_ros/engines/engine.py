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

"""The interface of an inference engine: camera bytes in, final arrays out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from xspec_ros.core.frame import UInt8Array
    from xspec_ros.core.result import Mode

INPUTS: dict[Mode, tuple[str, ...]] = {
    'thermal': ('thermal', 'tone'),
    'fused': ('thermal', 'rgb', 'tone'),
    'rgb': ('rgb',),
}
"""Names of the inputs of each mode's graph, in order."""
OUTPUT_NAMES = ('labels', 'confidence', 'boxes', 'scores', 'classes')
MAX_BOXES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphOutput:
    """What the exported graph returns for one frame.

    Attributes:
        labels: (H, W) uint8 class ids at input size.
        confidence: (H, W) uint8, 0 to 255.
        boxes_xyxy: (K, 4) float32 in input pixels, suppression done.
        scores: (K,) float32, 0 for unused rows.
        classes: (K,) int32.
    """

    labels: UInt8Array
    confidence: UInt8Array
    boxes_xyxy: NDArray[np.float32]
    scores: NDArray[np.float32]
    classes: NDArray[np.int32]


class Engine(Protocol):
    """One opened model on one runtime; used by one thread at a time."""

    name: str
    precision: str
    mode: Mode

    def infer(
        self, thermal: UInt8Array | None, rgb: UInt8Array | None, tone: tuple[float, float]
    ) -> GraphOutput:
        """Run one frame.

        Args:
            thermal: (H, W, 1) or (H, W, 2) uint8: the camera's bytes, little-endian; None for
                an RGB graph.
            rgb: (H, W, 3) uint8, for a fused graph on the thermal grid; None for a thermal one.
            tone: Low and high in counts.

        Returns:
            The graph's outputs.

        Raises:
            EngineError: The runtime failed.
        """

    def close(self) -> None:
        """Free what the runtime holds."""
