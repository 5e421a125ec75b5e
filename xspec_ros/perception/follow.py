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

"""Follows the model folder of a running pipeline: a new bundle there is opened and swapped in."""

from __future__ import annotations

from threading import Lock, Thread
from typing import TYPE_CHECKING, TypeAlias

from xspec_ros.bundle.manifest import MANIFEST_NAME
from xspec_ros.bundle.store import bundle_hash, open_bundle, resolve_bundle
from xspec_ros.errors import BundleError, XspecError
from xspec_ros.perception.notices import Notice, NS_PER_S
from xspec_ros.perception.swap import input_shape, open_beside

if TYPE_CHECKING:
    from pathlib import Path

    from xspec_ros.bundle.store import Bundle
    from xspec_ros.perception.live import LiveRunner
    from xspec_ros.perception.perception import Perception
    from xspec_ros.perception.pipeline import Pipeline

Fingerprint: TypeAlias = tuple[tuple[str, int, int, int], ...]

LOOK_EVERY_NS = NS_PER_S
CLOSE_S = 1.0
SHORT_HASH = 12


def fingerprint(folder: Path) -> Fingerprint | None:
    """Return name, inode, size and time of every file of a bundle; no file is read.

    Args:
        folder: The bundle's folder, or a link to it.

    Returns:
        The state of the folder; None while it holds no bundle, or changes under the look.
    """
    try:
        found = [
            (place.relative_to(folder).as_posix(), place.stat())
            for place in folder.rglob('*')
            if not place.name.startswith('.')
        ]
    except OSError:
        return None
    state = [(name, stat.st_ino, stat.st_size, stat.st_mtime_ns) for name, stat in found]
    if not any(name == MANIFEST_NAME for name, *_ in state):
        return None
    return tuple(sorted(state))


class FolderWatch:
    """Notices that a bundle folder has changed and stands still again. Reads no clock.

    Args:
        folder: The bundle's folder, or a link to it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._known = self._last = fingerprint(folder)
        self._due_ns = 0

    def settled(self, now_ns: int) -> bool:
        """Tell once of every new state that was the same in two looks, a second apart.

        Args:
            now_ns: Monotonic time.
        """
        if now_ns < self._due_ns:
            return False
        self._due_ns = now_ns + LOOK_EVERY_NS
        state = fingerprint(self.folder)
        stands = state is not None and state == self._last
        self._last = state
        if not stands or state == self._known:
            return False
        self._known = state
        return True

    def has_moved_on(self) -> bool:
        """Tell whether the folder is no longer as it had settled; if so, it has to settle anew."""
        moved = fingerprint(self.folder) != self._known
        if moved:
            self._known = None
        return moved


class ModelFollower:
    """Opens what appears in the model folder in the background and hands it to the runner.

    Make it before the model is opened, so that no change is missed; then call ``check`` a few
    times a second.

    Args:
        model: Bundle folder or shipped name.

    Raises:
        BundleError: There is no such bundle.
    """

    def __init__(self, model: str) -> None:
        self.refused = 0
        self._watch = FolderWatch(resolve_bundle(model))
        self._opener: _Opener | None = None
        self._is_refused = False

    def check(self, now_ns: int, runner: LiveRunner) -> list[Notice]:
        """Look at the folder, and swap in what has been opened; return what to tell.

        Args:
            now_ns: Monotonic time.
            runner: Runs the pipeline whose model is followed.
        """
        if self._opener is not None:
            if self._opener.is_alive():
                return []
            opener, self._opener = self._opener, None
            return self._conclude(opener, runner)
        if self._watch.settled(now_ns):
            self._opener = _Opener(self._watch.folder, runner.pipeline)
            self._opener.start()
        return []

    def wait_opened(self, timeout_s: float) -> bool:
        """Wait until nothing is being opened; False on timeout."""
        if self._opener is not None:
            self._opener.join(timeout_s)
        return self._opener is None or not self._opener.is_alive()

    def close(self) -> None:
        """Give up what is being opened."""
        if self._opener is not None:
            self._opener.give_up(CLOSE_S)
            self._opener = None

    def _conclude(self, opener: _Opener, runner: LiveRunner) -> list[Notice]:
        if self._watch.has_moved_on():
            opener.give_up(CLOSE_S)  # half of the old state, half of a new one: look again
            return []
        serving = runner.pipeline.perception.bundle
        outcome = opener.outcome
        if isinstance(outcome, XspecError):
            self.refused += 1
            self._is_refused = True
            text = f'the new model in {self._watch.folder} is refused: {outcome}; '
            text += f'{_short(serving)} serves on'
            return [Notice(level='error', kind='swap_refused', text=text)]
        was_refused, self._is_refused = self._is_refused, False
        if outcome is not None:
            runner.swap(outcome)
            text = f'model swapped: {_short(serving)} -> {_short(outcome.bundle)}'
            return [Notice(level='info', kind='swapped', text=text)]
        if was_refused:
            text = f'{self._watch.folder} holds {_short(serving)} again, which serves on'
            return [Notice(level='info', kind='swapped', text=text)]
        return []


class _Opener(Thread):
    """Opens a bundle beside the one that serves; its outcome stands when it has ended."""

    def __init__(self, folder: Path, pipeline: Pipeline) -> None:
        super().__init__(name='model opener', daemon=True)
        message = f'opening {folder} broke off'
        self.outcome: Perception | XspecError | None = BundleError(message, hint='see the log')
        self._folder = folder
        self._settings = pipeline.settings
        self._serving = pipeline.perception.bundle
        self._size_hw, self._bytes_per_pixel = input_shape(pipeline)
        self._lock = Lock()
        self._is_given_up = False

    def run(self) -> None:
        try:
            outcome: Perception | XspecError | None = self._open()
        except XspecError as error:
            outcome = error
        except OSError as error:
            outcome = BundleError(f'{self._folder} cannot be read: {error.strerror}')
        with self._lock:
            self.outcome = outcome
            if self._is_given_up:
                self._close()

    def give_up(self, timeout_s: float) -> None:
        """Free what was opened, now or when it is there."""
        with self._lock:
            self._is_given_up = True
            self._close()
        if self.is_alive():
            self.join(timeout_s)

    def _open(self) -> Perception | None:
        """Open the bundle; None where it is the one that serves."""
        if bundle_hash(open_bundle(self._folder)) == bundle_hash(self._serving):
            return None
        return open_beside(
            self._settings,
            str(self._folder),
            size_hw=self._size_hw,
            bytes_per_pixel=self._bytes_per_pixel,
        )

    def _close(self) -> None:
        outcome, self.outcome = self.outcome, None
        if outcome is not None and not isinstance(outcome, XspecError):
            outcome.close()


def _short(bundle: Bundle) -> str:
    return f'{bundle.manifest.name} {bundle_hash(bundle)[:SHORT_HASH]}'
