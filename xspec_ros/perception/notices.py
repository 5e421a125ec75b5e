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

"""What a person who runs perception should know: one line, with a level."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Level: TypeAlias = Literal['info', 'warning', 'error']

NS_PER_S = 1_000_000_000
FIRST_AGAIN_S = 10
LONGEST_AGAIN_S = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something the user should know.

    Attributes:
        level: How bad it is.
        kind: Short name, for example ``dead`` or ``loss``.
        text: One line: what, where, what to do.
    """

    level: Level
    kind: str
    text: str


class Reminder:
    """Says when to tell of a trouble that lasts: once it has stood, then ever more rarely.

    It is told again after 10, 20, 40 and then every 60 s; where nobody needs to act on it, every
    60 s.

    Args:
        stand_s: How long a trouble has to stand before it is told.
        not_before_ns: Monotonic time before which nothing is told.
        rarely: Whether nobody needs to act on it.
    """

    def __init__(
        self, stand_s: float = 0.0, *, not_before_ns: int = 0, rarely: bool = False
    ) -> None:
        self._stand_ns = round(stand_s * NS_PER_S)
        self._not_before_ns = not_before_ns
        self._first_again_s = LONGEST_AGAIN_S if rarely else FIRST_AGAIN_S
        self._kind = ''
        self._due_ns = 0
        self._again_s = 0

    def is_due(self, kind: str, now_ns: int) -> bool:
        """Tell whether to tell now.

        Args:
            kind: The trouble at this moment, empty for none; another one begins afresh.
            now_ns: Monotonic time.
        """
        if kind != self._kind:
            self._kind = kind
            self._due_ns = max(now_ns + self._stand_ns, self._not_before_ns)
            self._again_s = self._first_again_s
        if not kind or now_ns < self._due_ns:
            return False
        self._due_ns = now_ns + self._again_s * NS_PER_S
        self._again_s = min(2 * self._again_s, LONGEST_AGAIN_S)
        return True
