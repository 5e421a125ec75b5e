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

"""Message bytes to work: decode, tone statistics, pairing and the counting of what is lost."""

from __future__ import annotations

from dataclasses import dataclass, replace
import logging
from time import perf_counter_ns
from typing import Literal, TYPE_CHECKING, TypeAlias

from xspec_ros.core.compressed import decode_compressed, judge_compressed
from xspec_ros.core.encodings import decode_image
from xspec_ros.core.health import CameraWatch, LogThrottle, RateMeter
from xspec_ros.core.limits import DecodeLimits
from xspec_ros.core.radiometry import ToneTracker
from xspec_ros.core.rig import load_rig
from xspec_ros.core.sync import PairSynchronizer, SyncEvent, SyncSettings
from xspec_ros.errors import MessageError
from xspec_ros.messages.camera_info import decode_camera_info
from xspec_ros.messages.image import decode_compressed_message, decode_image_message
from xspec_ros.messages.topics import COMPRESSED_TYPE, IMAGE_TYPE
from xspec_ros.perception.fusing import FULL_TONE, Fusing
from xspec_ros.perception.work import IntakeCounts, Work

if TYPE_CHECKING:
    from xspec_ros.bundle.manifest import Tone
    from xspec_ros.core.frame import Frame, Modality
    from xspec_ros.core.radiometry import ToneState
    from xspec_ros.messages.camera_info import CameraInfo
    from xspec_ros.perception.settings import CameraSettings, Settings

__all__ = ['Intake', 'IntakeCounts', 'Payload', 'Work', 'pairing_settings']

log = logging.getLogger(__name__)

ZERO_STAMPS_BEFORE_RECEIVE_TIME = 5
Payload: TypeAlias = bytes | bytearray | memoryview
Order: TypeAlias = Literal['new', 'duplicate', 'old', 'epoch']


@dataclass(slots=True)
class InputState:
    """Order and stamp policy of one camera."""

    last_stamp_ns: int | None = None
    zero_stamps: int = 0
    encoding: str = ''
    size_hw: tuple[int, int] = (0, 0)


class Intake:
    """Turns the messages of two cameras into work, in the order in which they come.

    Args:
        settings: Run-time parameters.
        tone: Tone statistics of the model.
    """

    def __init__(self, settings: Settings, tone: Tone) -> None:
        self.settings = settings
        self.counts = IntakeCounts()
        self.limits = _limits(settings)
        self.tone = _tracker(settings, tone)
        self.tone_state: ToneState | None = None
        self.sync = PairSynchronizer(_pairing(settings))
        self.inputs: dict[Modality, InputState] = {
            'rgb': InputState(),
            'thermal': InputState(),
        }
        self.rates: dict[Modality, RateMeter] = {'rgb': RateMeter(), 'thermal': RateMeter()}
        self.cameras = CameraWatch(
            start_ns=perf_counter_ns(),
            stale_after_s=settings.stale_after_s,
            ffc_max_s=settings.ffc_max_s,
        )
        self.calibrations: dict[Modality, CameraInfo] = {}
        self._model_tone = tone
        self._throttle = LogThrottle()
        self.rig = load_rig(settings.rig) if settings.rig else None
        self.fusing = Fusing(settings, self.rig, self.counts)

    def accept(
        self,
        source: Modality,
        type_name: str,
        cdr: Payload,
        *,
        received_ns: int,
        arrived_ns: int = 0,
    ) -> list[Work]:
        """Take one message; return the work that is ready because of it.

        Args:
            source: Which camera.
            type_name: ``sensor_msgs/msg/Image`` or ``sensor_msgs/msg/CompressedImage``.
            cdr: The message as CDR bytes; kept alive by the frames that view it.
            received_ns: Monotonic time when the bytes were in hand.
            arrived_ns: Arrival on the time axis of the stamps (wall clock, bag log time), for
                cameras that send no stamps.

        Returns:
            Work in stamp order, often none or one.
        """
        self.counts.received[source] += 1
        try:
            frame = self._decode(source, type_name, cdr, received_ns)
            frame = self._stamped(frame, arrived_ns)
        except MessageError as error:
            self._reject(source, error, received_ns)
            return []
        self._note(frame)
        order = self._order(frame)
        if source == 'rgb':
            self.cameras.heard('rgb', received_ns)
        if order in ('duplicate', 'old') and source == self.reference:
            self.counts.dropped[order] += 1
        ready: list[Work] = []
        if source == 'thermal':
            ready = self._accept_thermal(frame, taken=order in ('new', 'epoch'))
        elif self.settings.mode == 'rgb' and order in ('new', 'epoch'):
            ready = [replace(self._work(None, frame, FULL_TONE), reference='rgb')]
        in_order = order in ('new', 'epoch')
        events = self.sync.push(frame) if in_order or source != self.reference else []
        return ready + self._paired_work(events)

    def calibrate(self, source: Modality, cdr: Payload) -> None:
        """Take a camera's ``CameraInfo``; a damaged one is counted and passed over."""
        try:
            self.calibrations[source] = decode_camera_info(cdr)
        except MessageError:
            self.counts.warnings[f'{source}/camera_info'] += 1

    def flush(self) -> list[Work]:
        """Decide every frame that still waits for a partner; the stream has ended."""
        return self._paired_work(self.sync.flush())

    def advance(self, now_stamp_ns: int) -> list[Work]:
        """Tell the time on the axis of the stamps; return the work that has waited enough."""
        return self._paired_work(self.sync.advance(now_stamp_ns))

    def restart(self, now_stamp_ns: int) -> list[Work]:
        """Begin a new epoch where the clock went back and the stamps have not yet.

        Args:
            now_stamp_ns: What the clock says now, on the axis of the stamps.

        Returns:
            The work that waited for a partner.
        """
        last = self.inputs[self.reference].last_stamp_ns
        if last is None or last <= now_stamp_ns + self.settings.jump_threshold_s * 1e9:
            return []
        self.counts.epochs += 1
        self.tone.reset()
        for state in self.inputs.values():
            state.last_stamp_ns = None
        return self._paired_work(self.sync.restart())

    def apply(self, settings: Settings) -> list[Work]:
        """Take changed parameters; return the work that waited for a partner under the old ones.

        Raises:
            ConfigError: They do not fit together; nothing has changed then.
        """
        pairing = _pairing(settings)
        if _tone_keys(settings) != _tone_keys(self.settings):
            self.tone = _tracker(settings, self._model_tone)
        self.limits = _limits(settings)
        ready: list[Work] = []
        if pairing != self.sync.settings:
            ready = self._paired_work(self.sync.retune(pairing))
        self.settings = self.fusing.settings = settings
        return ready

    def retune(self, tone: Tone) -> None:
        """Take the tone statistics of another model, for the work that waits as well."""
        if tone == self._model_tone:
            return
        self._model_tone = tone
        self.tone = _tracker(self.settings, tone)
        self.fusing.retone(self.tone)

    @property
    def reference(self) -> Modality:
        """The camera that gets one answer a frame."""
        return _reference(self.settings)

    def _decode(self, source: Modality, type_name: str, cdr: Payload, received_ns: int) -> Frame:
        size = memoryview(cdr).nbytes
        if size > self.limits.max_image_bytes:
            message = f'{source} message of {size} bytes'
            raise MessageError(message, reason='too_big', hint='raise max_image_bytes')
        if type_name == IMAGE_TYPE:
            image = decode_image_message(cdr, max_bytes=self.limits.max_image_bytes)
            self.rates[source].add(image.stamp_ns)
            return decode_image(image, source, limits=self.limits, received_ns=received_ns)
        if type_name == COMPRESSED_TYPE:
            packed = decode_compressed_message(cdr, max_bytes=self.limits.max_image_bytes)
            self.rates[source].add(packed.stamp_ns)
            stamp_alone = source == 'rgb' and self.settings.mode == 'thermal'
            take = judge_compressed if stamp_alone else decode_compressed
            return take(packed, source, limits=self.limits, received_ns=received_ns)
        message = f'{source} message of type {type_name}'
        raise MessageError(message, reason='type', hint=f'use {IMAGE_TYPE} or {COMPRESSED_TYPE}')

    def _reject(self, source: Modality, error: MessageError, now_ns: int) -> None:
        self.counts.rejected[source][error.reason] += 1
        self.cameras.heard(source, now_ns)  # it sends rubbish, but it is not dead
        if self._throttle.allows(f'{source}/{error.reason}', now_ns):
            log.warning('rejected/%s/%s: %s', source, error.reason, error)

    def _stamped(self, frame: Frame, arrived_ns: int) -> Frame:
        """Apply the policy for missing stamps and the frame_id override."""
        state = self.inputs[frame.modality]
        policy = self.settings.use_receive_time
        state.zero_stamps += frame.stamp_ns == 0
        if self.settings.frame_id_override:
            frame = replace(frame, frame_id=self.settings.frame_id_override)
        automatic = (
            policy == 'auto'
            and frame.stamp_ns == 0
            and state.zero_stamps > ZERO_STAMPS_BEFORE_RECEIVE_TIME
        )
        if policy == 'always' or automatic:
            self.counts.warnings[f'{frame.modality}/receive_time'] += 1
            return replace(frame, stamp_ns=arrived_ns)
        if frame.stamp_ns == 0:
            message = f'{frame.modality} frame with stamp 0'
            raise MessageError(message, reason='zero_stamp', hint='set use_receive_time: always')
        return frame

    def _note(self, frame: Frame) -> None:
        for note in frame.notes:
            self.counts.warnings[f'{frame.modality}/{note}'] += 1
        state = self.inputs[frame.modality]
        if state.size_hw not in ((0, 0), frame.size_hw) or state.encoding not in (
            '',
            frame.encoding,
        ):
            self.counts.warnings[f'{frame.modality}/input_changes'] += 1
        state.size_hw, state.encoding = frame.size_hw, frame.encoding

    def _order(self, frame: Frame) -> Order:
        """Judge a stamp against the newest one of its camera."""
        state = self.inputs[frame.modality]
        last = state.last_stamp_ns
        if last is not None and frame.stamp_ns <= last:
            if frame.stamp_ns == last:
                return 'duplicate'
            if last - frame.stamp_ns <= self.settings.jump_threshold_s * 1e9:
                return 'old'
            self.counts.epochs += frame.modality == self.reference
            state.last_stamp_ns = frame.stamp_ns
            if frame.modality == 'thermal':
                self.tone.reset()
            return 'epoch'
        state.last_stamp_ns = frame.stamp_ns
        return 'new'

    def _accept_thermal(self, frame: Frame, *, taken: bool) -> list[Work]:
        state = self.tone.update(frame)
        self.tone_state = state
        self.cameras.heard(
            'thermal', frame.received_ns, shutter=state.constant, frozen=state.frozen
        )
        mode = self.settings.mode
        if not taken or mode == 'rgb':
            return []
        if state.frozen:
            self.counts.warnings['thermal/frozen'] += 1
        work = self._work(frame, None, (state.low, state.high))
        if mode == 'fused':
            self.fusing.hold(work, shutter=state.constant)
            return []
        if state.constant:
            self.counts.rejected['thermal']['shutter'] += 1
            return []
        return [work]

    def _work(self, thermal: Frame | None, rgb: Frame | None, tone: tuple[float, float]) -> Work:
        reference = thermal or rgb
        return Work(
            thermal=thermal,
            rgb=rgb,
            tone=tone,
            skew_ms=None,
            received_ns=reference.received_ns if reference else 0,
            decoded_ns=perf_counter_ns(),
        )

    def _paired_work(self, events: list[SyncEvent]) -> list[Work]:
        """Turn pairing decisions into work for fused models; count only for the others."""
        return self.fusing.decide(events) if self.settings.mode == 'fused' else []


def _limits(settings: Settings) -> DecodeLimits:
    return DecodeLimits(
        max_image_bytes=settings.max_image_bytes,
        max_pixels=settings.max_pixels,
        max_nan_fraction=settings.max_nan_fraction,
        allow_lossy_thermal=settings.allow_lossy_thermal,
        swap_rb=settings.swap_rb,
    )


def _reference(settings: Settings) -> Modality:
    return 'rgb' if settings.mode == 'rgb' else 'thermal'


def _pairing(settings: Settings) -> SyncSettings:
    """Return how this mode pairs: fused, RGB goes on alone while the thermal camera is dead."""
    alone = settings.mode == 'fused' and settings.on_missing == 'degrade'
    return replace(pairing_settings(settings, _reference(settings)), rgb_fallback=alone)


def _tone_keys(settings: Settings) -> tuple[object, ...]:
    return settings.radiometry, settings.range_k, settings.jump_threshold_s


def _tracker(settings: Settings, tone: Tone) -> ToneTracker:
    return ToneTracker(
        low_percentile=tone.low_percentile,
        high_percentile=tone.high_percentile,
        smoothing_s=tone.smoothing_s,
        radiometry=settings.radiometry,
        range_k=settings.range_k,
        jump_threshold_s=settings.jump_threshold_s,
    )


def pairing_settings(settings: CameraSettings, reference: Modality = 'thermal') -> SyncSettings:
    """Return how the frames of two cameras are paired.

    Args:
        settings: Parameters of the cameras.
        reference: Camera that gets one decision a frame.
    """
    return SyncSettings(
        slop_ms=settings.slop_ms,
        max_wait_ms=settings.max_wait_ms,
        rgb_offset_ms=settings.rgb.stamp_offset_ms,
        thermal_offset_ms=settings.thermal.stamp_offset_ms,
        jump_threshold_s=settings.jump_threshold_s,
        stale_after_s=settings.stale_after_s,
        reference=reference,
    )
