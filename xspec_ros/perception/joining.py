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

"""Messages of several topics brought together by their exact stamp, in bounded memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from xspec_ros.messages.cdr import Buffer

MAX_WAITING = 64
MAX_BYTES = 256 * 2**20


class StampJoin:
    """Waits until every part of a stamp is there.

    Each topic delivers in its own order, so when one stamp is whole, those that came before it
    will never be and are given up; so is the eldest when there are too many. Stamps may go back,
    as they do when a bag loops: order is that of arrival.

    Attributes:
        parts: Names of the parts.
        joined: Stamps that became whole.
        given_up: Stamps of which something was there and the rest never came.

    Args:
        parts: Names of the parts, each a topic.
        max_waiting: Most stamps that wait.
        max_bytes: Most bytes that wait.
    """

    def __init__(
        self, parts: Sequence[str], *, max_waiting: int = MAX_WAITING, max_bytes: int = MAX_BYTES
    ) -> None:
        self.parts = tuple(parts)
        self.joined = 0
        self.given_up = 0
        self._max_waiting = max_waiting
        self._max_bytes = max_bytes
        self._bytes = 0
        self._waiting: dict[int, dict[str, Buffer]] = {}

    def put(self, part: str, stamp_ns: int, cdr: Buffer) -> Mapping[str, Buffer] | None:
        """Take one message.

        Args:
            part: Which part it is; a second one of a stamp replaces the first.
            stamp_ns: Its stamp.
            cdr: The message.

        Returns:
            All parts of the stamp when this was the last of them, else None.
        """
        entry = self._waiting.setdefault(stamp_ns, {})
        self._bytes += len(cdr) - len(entry.get(part, b''))
        entry[part] = cdr
        if len(entry) == len(self.parts):
            self._give_up_before(stamp_ns)
            self._forget(stamp_ns)
            self.joined += 1
            return entry
        while len(self._waiting) > self._max_waiting or self._bytes > self._max_bytes:
            self._forget(next(iter(self._waiting)))
            self.given_up += 1
        return None

    def clear(self) -> None:
        """Forget what waits; the counts go on."""
        self._waiting.clear()
        self._bytes = 0

    def __len__(self) -> int:
        """Return the number of stamps that wait."""
        return len(self._waiting)

    def _give_up_before(self, stamp_ns: int) -> None:
        for earlier in list(self._waiting):
            if earlier == stamp_ns:
                return
            self._forget(earlier)
            self.given_up += 1

    def _forget(self, stamp_ns: int) -> None:
        entry = self._waiting.pop(stamp_ns)
        self._bytes -= sum(len(cdr) for cdr in entry.values())
