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

"""Every run-time parameter with its type, range, default and meaning: the only place for them."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Struct

from xspec_ros.core.result import Mode
from xspec_ros.messages.topics import RGB, THERMAL

Transport: TypeAlias = Literal['auto', 'raw', 'compressed']
OnMissing: TypeAlias = Literal['degrade', 'silence']
ReceiveTime: TypeAlias = Literal['auto', 'always', 'never']
Turn: TypeAlias = Literal[0, 90, 180, 270]
Share: TypeAlias = Annotated[float, Meta(ge=0.0, le=1.0)]

LIVE = {'change': 'live'}  # may change while it runs; the others only before it is configured


class InputSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of one camera input."""

    topic: Annotated[str, Meta(description='Topic of the images.')] = ''
    transport: Annotated[
        Transport, Meta(description='raw, compressed, or auto: whichever type is published.')
    ] = 'auto'
    stamp_offset_ms: Annotated[
        float,
        Meta(
            description='Added to every stamp of this camera before pairing.',
            ge=-1e4,
            le=1e4,
            extra=LIVE,
        ),
    ] = 0.0
    rotate_deg: Annotated[
        Turn,
        Meta(
            description='Clockwise turn that puts the picture upright for the model; '
            'results stay in the picture as received.'
        ),
    ] = 0


class RgbInput(InputSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of the RGB input."""

    topic: Annotated[str, Meta(description='Topic of the RGB images.')] = RGB


class ThermalInput(InputSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of the thermal input."""

    topic: Annotated[str, Meta(description='Topic of the thermal images.')] = THERMAL


class CameraSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of two cameras and their pairing, for whoever listens to them."""

    rgb: RgbInput = RgbInput()
    thermal: ThermalInput = ThermalInput()
    slop_ms: Annotated[
        float,
        Meta(description='Largest stamp difference of a pair.', ge=0.0, le=10_000.0, extra=LIVE),
    ] = 50.0
    max_wait_ms: Annotated[
        float,
        Meta(
            description='Longest a frame waits for its partner.', ge=0.0, le=10_000.0, extra=LIVE
        ),
    ] = 100.0
    jump_threshold_s: Annotated[
        float,
        Meta(
            description='A backward jump beyond this starts a new epoch.',
            gt=0.0,
            le=3600.0,
            extra=LIVE,
        ),
    ] = 0.5
    stale_after_s: Annotated[
        float,
        Meta(
            description='A camera silent for this long is reported dead.',
            gt=0.0,
            le=3600.0,
        ),
    ] = 1.0
    ffc_max_s: Annotated[
        float,
        Meta(
            description='A frozen thermal picture is normal for this long.',
            ge=0.0,
            le=60.0,
        ),
    ] = 3.0
    max_image_bytes: Annotated[
        int, Meta(description='Larger messages are rejected.', ge=1024, le=2**31, extra=LIVE)
    ] = 64 * 2**20
    max_pixels: Annotated[
        int,
        Meta(
            description='Larger pictures are rejected before decoding.',
            ge=1024,
            le=2**30,
            extra=LIVE,
        ),
    ] = 16_000_000
    allow_lossy_thermal: Annotated[
        bool, Meta(description='Accept 16-bit thermal that went through 8-bit JPEG.', extra=LIVE)
    ] = False


class Settings(CameraSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of the perception pipeline, the same behind every door."""

    model: Annotated[
        str,
        Meta(
            description='Bundle folder or the name of a shipped model; set live, it is swapped.',
            extra=LIVE,
        ),
    ] = 'default'
    mode: Annotated[Mode, Meta(description='Which graph of the bundle answers.')] = 'thermal'
    rig: Annotated[
        str,
        Meta(
            description='Registration of the cameras, as xspec register writes it; brings RGB '
            'onto the thermal grid in mode fused. Empty: it comes there already.'
        ),
    ] = ''
    on_missing: Annotated[
        OnMissing,
        Meta(
            description='Mode fused with one camera missing: degrade goes on with the other, '
            'silence publishes for pairs only.',
            extra=LIVE,
        ),
    ] = 'degrade'
    engine: Annotated[
        str,
        Meta(
            description='Inference engine, or auto: the fastest that is present and verified.',
        ),
    ] = 'auto'
    precision: Annotated[
        str,
        Meta(
            description='Precision variant of the bundle, or auto: one that passed verification.'
        ),
    ] = 'auto'
    threads: Annotated[
        int, Meta(description='Threads of the engine; 0: all cores.', ge=0, le=256)
    ] = 0
    radiometry: Annotated[
        str,
        Meta(
            description='Counts-to-kelvin preset of the thermal camera; counts: not radiometric.',
            extra=LIVE,
        ),
    ] = 'counts'
    range_k: Annotated[
        tuple[float, float] | None,
        Meta(
            description='Fixed tone range in kelvin, with a radiometry preset; null: percentiles.',
            extra=LIVE,
        ),
    ] = None
    score_threshold: Annotated[
        Share | None,
        Meta(
            description='Boxes below it are not published; null: the bundle decides.',
            extra=LIVE,
        ),
    ] = None
    confidence_threshold: Annotated[
        Share | None,
        Meta(
            description='Pixels below it become 255; null: the bundle decides; 0: off.',
            extra=LIVE,
        ),
    ] = None
    max_nan_fraction: Annotated[
        float,
        Meta(
            description='32FC1 frames with more NaN than this are rejected.',
            ge=0.0,
            le=1.0,
            extra=LIVE,
        ),
    ] = 0.1
    swap_rb: Annotated[
        bool, Meta(description='Swap red and blue of the RGB input.', extra=LIVE)
    ] = False
    use_receive_time: Annotated[
        ReceiveTime,
        Meta(
            description='Stamp frames on arrival: always, never, or auto after 5 zero stamps.',
            extra=LIVE,
        ),
    ] = 'auto'
    frame_id_override: Annotated[
        str, Meta(description='frame_id of all outputs; empty: as received.', extra=LIVE)
    ] = ''
