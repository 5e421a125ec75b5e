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

"""``bundle.json``: what a model bundle says about itself (schema version 1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from xspec_ros.core.labels import ClassLabel

if TYPE_CHECKING:
    from xspec_ros.core.frame import Modality
    from xspec_ros.core.result import Mode

SCHEMA_VERSION = 1
MANIFEST_NAME = 'bundle.json'


class Tone(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How counts become the [low, high] range that the graph maps to [0, 1].

    Attributes:
        low_percentile: Percentile of the histogram that becomes 0.
        high_percentile: Percentile that becomes 1.
        smoothing_s: Time constant of the smoothing over frames, in seconds; 0 for none.
    """

    low_percentile: float = 1.0
    high_percentile: float = 99.0
    smoothing_s: float = 0.5


class InputContract(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the graph takes.

    Attributes:
        modality: ``thermal``, ``rgb``, or ``both`` for a fused model.
        bits: Accepted bits a pixel of the thermal picture.
        size_policy: ``any``: one graph takes every input size.
        network_hw: Size that the graph resizes to, rows and columns.
        tone: Tone mapping statistics.
    """

    modality: str = 'thermal'
    bits: tuple[int, ...] = (8, 16)
    size_policy: str = 'any'
    network_hw: tuple[int, int] = (512, 640)
    tone: Tone = Tone()

    @property
    def camera(self) -> Modality:
        """The camera whose frames a model of one camera takes, or a fused one answers."""
        return 'rgb' if self.modality == 'rgb' else 'thermal'


class Thresholds(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Default thresholds; a user's parameter overrides them.

    Attributes:
        score: Boxes below it are not published.
        confidence: Pixels below it are published as 255; 0 switches that off.
    """

    score: float = 0.3
    confidence: float = 0.0


class Verified(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one engine was verified to at one precision.

    Attributes:
        label_agreement: Share of pixels with the reference engine's label, 0 to 1.
        box_px: Largest corner difference of matched boxes, pixels.
        ok: Whether the rule of this precision is met.
        frames: Frames compared.
        data: Where the frames came from.
        miou_loss: Points of mIoU lost against fp32 (lower precisions), or null.
        map50_loss: Points of mAP50 lost against fp32 (lower precisions), or null.
    """

    label_agreement: float
    box_px: float
    ok: bool
    frames: int
    data: str
    miou_loss: float | None = None
    map50_loss: float | None = None


class Precision(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One precision variant.

    Attributes:
        graphs: ONNX file for each mode.
        verified: Result for each engine that was present at export.
    """

    graphs: dict[str, str]
    verified: dict[str, Verified] = {}


class FileEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Hash and size of one file of the bundle.

    Attributes:
        sha256: Hex digest.
        size: Bytes.
    """

    sha256: str
    size: int


class Network(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which network the weights belong to.

    Attributes:
        name: Name in ``learn.models``.
        arguments: Its constructor arguments.
    """

    name: str
    arguments: dict[str, int | float | str | bool] = {}


class Provenance(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the weights come from.

    Attributes:
        recipe: The resolved recipe, as JSON-ready values.
        data: One entry a data set: name, fold, pictures, fingerprint, licence as stated.
        code_version: Version of this package.
        metrics: Figures per data set and fold.
        parent: Name and hash of the bundle whose weights it began from, or null.
    """

    recipe: dict[str, object] = {}
    data: list[dict[str, object]] = []
    code_version: str = ''
    metrics: dict[str, object] = {}
    parent: dict[str, str] | None = None


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole of ``bundle.json``.

    Attributes:
        schema_version: Version of this layout.
        name: Short name of the model.
        tasks: ``segmentation`` and/or ``detection``.
        network: Network name and arguments.
        classes: Segmentation classes in id order.
        detection_classes: Names of the detection classes in id order.
        input: Input contract.
        thresholds: Default thresholds.
        precisions: Variants by name; ``fp32`` is always there.
        files: Every file of the bundle but this one.
        provenance: Sources and figures.
    """

    schema_version: int
    name: str
    tasks: tuple[str, ...]
    network: Network
    classes: tuple[ClassLabel, ...]
    detection_classes: tuple[str, ...]
    input: InputContract
    thresholds: Thresholds
    precisions: dict[str, Precision]
    files: dict[str, FileEntry]
    provenance: Provenance = Provenance()

    def modes(self) -> tuple[Mode, ...]:
        """Return the modes this bundle has a graph for."""
        known: tuple[Mode, ...] = ('thermal', 'fused', 'rgb')
        return tuple(mode for mode in known if mode in self.precisions['fp32'].graphs)
