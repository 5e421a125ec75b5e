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

"""The harvest: both cameras' messages in, the pairs that are worth keeping out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
import logging
from typing import cast, Literal, TYPE_CHECKING, TypeAlias

from xspec_ros.core.encodings import decode_image
from xspec_ros.core.health import CameraWatch, LogThrottle
from xspec_ros.core.limits import DecodeLimits
from xspec_ros.core.sync import Paired, PairSynchronizer, SyncEvent
from xspec_ros.errors import ConfigError, MessageError
from xspec_ros.messages.image import decode_image_message
from xspec_ros.perception.intake import pairing_settings
from xspec_ros.perception.selection import (
    chooser_of,
    LeastCertain,
    OnTrigger,
    RateGate,
    SceneChange,
)
from xspec_ros.perception.shots import Shot, ShotPair, ShotReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from xspec_ros.core.frame import Modality
    from xspec_ros.core.sync import SyncAdvice, SyncCounts
    from xspec_ros.messages.cdr import Buffer
    from xspec_ros.perception.harvest_settings import HarvestSettings
    from xspec_ros.perception.selection import Skip, Verdict
    from xspec_ros.perception.shots import CameraMessage

log = logging.getLogger(__name__)

Refusal: TypeAlias = Literal['queue', 'budget', 'disk']
MODALITIES: tuple[Modality, Modality] = ('rgb', 'thermal')
MAX_SYNC_BYTES = 128 * 2**20
RECENT_NS = 5_000_000_000


@dataclass(slots=True)
class HarvestCounts:
    """What came in and what became of it: ``seen = kept + skipped + waiting``.

    Attributes:
        received: Messages by camera.
        rejected: Messages that cannot be used, by camera and reason.
        confidences: Confidence maps.
        seen: Pairs found.
        kept: Pairs handed on to be written.
        skipped: Pairs that were not, by cause.
    """

    received: Counter[Modality] = field(default_factory=Counter)
    rejected: dict[Modality, Counter[str]] = field(
        default_factory=lambda: {name: Counter() for name in MODALITIES}
    )
    confidences: int = 0
    seen: int = 0
    kept: int = 0
    skipped: Counter[Skip] = field(default_factory=Counter)


class Harvest:
    """Pairs two cameras and hands on the pairs that are wanted. Not thread-safe.

    Args:
        settings: How to pair and what to keep.
        keep: Takes a pair that is wanted; says why when it cannot.
        start_ns: Monotonic time when the cameras are expected from.

    Raises:
        ConfigError: The parameters do not fit together.
    """

    def __init__(
        self,
        settings: HarvestSettings,
        keep: Callable[[ShotPair], Refusal | None],
        *,
        start_ns: int = 0,
    ) -> None:
        self.settings = settings
        self.counts = HarvestCounts()
        self.cameras = CameraWatch(
            start_ns=start_ns,
            stale_after_s=settings.stale_after_s,
            ffc_max_s=settings.ffc_max_s,
        )
        self._keep = keep
        self._sync = PairSynchronizer(
            replace(pairing_settings(settings), max_bytes=MAX_SYNC_BYTES)
        )
        self._readers = {name: ShotReader(name) for name in MODALITIES}
        self._infos: dict[Modality, CameraMessage] = {}
        self._chooser = chooser_of(settings)
        self._gate = RateGate(settings.rate_hz)
        self._scene = SceneChange(settings.min_change)
        self._throttle = LogThrottle()
        self._epoch = 0
        self._last_stamp_ns = -1
        self._rejected_ns: dict[Modality, int] = {}

    def accept(self, source: Modality, message: CameraMessage, now_ns: int) -> None:
        """Take one image message.

        Args:
            source: Which camera.
            message: The message as it was received.
            now_ns: Monotonic time.
        """
        self.counts.received[source] += 1
        try:
            shot = self._readers[source].read(message, _limits(self.settings))
        except MessageError as error:
            self._reject(source, error, now_ns)
            return
        self.cameras.heard(source, now_ns, shutter=shot.shutter, frozen=shot.frozen)
        self._pair(self._sync.push(shot), now_ns)
        self.settle(now_ns)

    def accept_info(self, source: Modality, message: CameraMessage) -> None:
        """Take the calibration of a camera; the newest goes with every pair."""
        self._infos[source] = message

    def accept_confidence(self, cdr: Buffer, now_ns: int) -> None:
        """Take a confidence map, mono8, stamped like the thermal frame it is about.

        Args:
            cdr: The ``Image`` message.
            now_ns: Monotonic time.
        """
        chooser = self._chooser
        if not isinstance(chooser, LeastCertain):
            return
        limits = _limits(self.settings)
        try:
            message = decode_image_message(cdr, max_bytes=limits.max_image_bytes)
            image = decode_image(message, 'thermal', limits=limits).image
        except MessageError as error:
            if self._throttle.allows(f'confidence/{error.reason}', now_ns):
                log.warning('confidence map: %s', error)
            return
        self.counts.confidences += 1
        chooser.hear(message.stamp_ns, float(image.mean()) / 255)
        self.settle(now_ns)

    def settle(self, now_ns: int) -> None:
        """Decide what the passing of time decides; call it a few times a second."""
        self._finish(self._chooser.settle(now_ns))

    def trigger(self) -> int:
        """Ask for pairs, with ``keep_by`` trigger.

        Returns:
            Pairs from before that were kept at once.

        Raises:
            ConfigError: Pairs are not kept by trigger.
        """
        if not isinstance(self._chooser, OnTrigger):
            message = f'keep_by is {self.settings.keep_by}'
            raise ConfigError(message, hint='start with keep_by trigger to use triggers')
        before = self.counts.kept
        self._finish(self._chooser.trigger())
        return self.counts.kept - before

    def apply(self, settings: HarvestSettings, now_ns: int) -> None:
        """Take parameters that changed while it runs; what keeps pairs stays what it was.

        Args:
            settings: All parameters.
            now_ns: Monotonic time.

        Raises:
            ConfigError: They do not fit together; nothing has changed then.
        """
        pairing = replace(pairing_settings(settings), max_bytes=MAX_SYNC_BYTES)
        self._finish(self._chooser.apply(settings))
        if settings.rate_hz != self.settings.rate_hz:
            self._gate = RateGate(settings.rate_hz)
        if settings.min_change != self.settings.min_change:
            self._scene = SceneChange(settings.min_change)
        self.settings = settings
        if pairing != self._sync.settings:
            self._pair(self._sync.retune(pairing), now_ns)

    def flush(self, now_ns: int) -> None:
        """Decide everything that waits: the stream has ended."""
        self._pair(self._sync.flush(), now_ns)
        self.settle(now_ns)
        self._finish(self._chooser.flush())

    @property
    def waiting(self) -> int:
        """Pairs that wait for a trigger or for their confidence."""
        return len(self._chooser)

    @property
    def calibrated(self) -> tuple[Modality, ...]:
        """Cameras that have sent a calibration."""
        return tuple(self._infos)

    @property
    def pairing(self) -> SyncCounts:
        """What became of every frame so far."""
        return self._sync.counts

    @property
    def median_confidence(self) -> float | None:
        """Median of the recent mean confidences; None without any."""
        return self._chooser.median if isinstance(self._chooser, LeastCertain) else None

    def rejects(self, source: Modality, now_ns: int) -> bool:
        """Tell whether a camera has sent something unusable within the last 5 seconds."""
        last_ns = self._rejected_ns.get(source)
        return last_ns is not None and now_ns - last_ns < RECENT_NS

    def advice(self) -> SyncAdvice | None:
        """Say what keeps pairs from being found; None while nothing does."""
        return self._sync.advice()

    def _pair(self, events: Iterable[SyncEvent], now_ns: int) -> None:
        for event in events:
            if isinstance(event, Paired):
                self._take(event, now_ns)

    def _take(self, event: Paired, now_ns: int) -> None:
        thermal, rgb = cast('Shot', event.pair.thermal), cast('Shot', event.pair.rgb)
        if thermal.stamp_ns <= self._last_stamp_ns:
            self._epoch += 1
            self._finish(self._chooser.flush())
            self._gate.reset()
        self._last_stamp_ns = thermal.stamp_ns
        infos = tuple(self._infos.values())
        pair = ShotPair(thermal=thermal, rgb=rgb, infos=infos, epoch=self._epoch)
        self.counts.seen += 1
        if thermal.shutter or thermal.frozen or rgb.frozen:
            self.counts.skipped['shutter'] += 1
        else:
            self._finish(self._chooser.take(pair, now_ns))

    def _finish(self, verdicts: Iterable[Verdict]) -> None:
        for pair, unwanted in verdicts:
            skip = unwanted or self._repeats(pair) or self._keep(pair)
            if skip is not None:
                self.counts.skipped[skip] += 1
                continue
            self.counts.kept += 1
            self._gate.passed(pair.stamp_ns)
            self._scene.kept(pair.thermal.image)

    def _repeats(self, pair: ShotPair) -> Skip | None:
        """Tell whether a pair comes too soon or shows nothing new; a trigger is always obeyed."""
        if self.settings.keep_by == 'trigger':
            return None
        if not self._gate.allows(pair.stamp_ns):
            return 'rate'
        return None if self._scene.is_new(pair.thermal.image) else 'duplicate'

    def _reject(self, source: Modality, error: MessageError, now_ns: int) -> None:
        self.counts.rejected[source][error.reason] += 1
        self._rejected_ns[source] = now_ns
        self.cameras.heard(source, now_ns)  # it sends rubbish, but it is not dead
        if self._throttle.allows(f'{source}/{error.reason}', now_ns):
            log.warning('rejected/%s/%s: %s', source, error.reason, error)


def _limits(settings: HarvestSettings) -> DecodeLimits:
    return DecodeLimits(
        max_image_bytes=settings.max_image_bytes,
        max_pixels=settings.max_pixels,
        allow_lossy_thermal=settings.allow_lossy_thermal,
    )
