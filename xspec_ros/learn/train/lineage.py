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

"""What a network owes to those before it: a parent, and the data that those were trained on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from xspec_ros.bundle.store import bundle_hash

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from xspec_ros.bundle.store import Bundle
    from xspec_ros.learn.train.checkpoint import CheckpointInfo

OF_PARENT = 'parent'  # data of the network whose weights this one began from
OF_TEACHER = 'teacher'


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """Where weights come from.

    Attributes:
        parent: Name and hash of the bundle they began from, if they did.
        data: What they owe to that bundle, an earlier stage, a teacher, or were trained on
            themselves, as a checkpoint states its data.
    """

    parent: dict[str, str] | None = None
    data: Sequence[dict[str, object]] = ()

    def beside(self, own: Sequence[Mapping[str, object]]) -> list[dict[str, object]]:
        """Return the data that a run's own entries do not name already."""
        trained = [_pictures(entry) for entry in own if not _use(entry).startswith('validation')]
        return [entry for entry in self.data if _pictures(entry) not in trained]


def lineage_of(*, parents: Iterable[Lineage], teacher: Lineage | None) -> Lineage:
    """Return what a run owes.

    Args:
        parents: Of the networks that it begins from.
        teacher: Of the network that labels for it or guides it, if any.
    """
    begun = tuple(parents)
    named = [before.parent for before in begun if before.parent is not None]
    entries = [entry for before in begun for entry in inherited(before.data, OF_PARENT)]
    if teacher is not None:
        entries += inherited(teacher.data, OF_TEACHER)
    once = [entry for number, entry in enumerate(entries) if entry not in entries[:number]]
    return Lineage(parent=named[-1] if named else None, data=tuple(once))


def lineage_of_bundle(bundle: Bundle) -> Lineage:
    """Return what whoever begins from a bundle owes, the bundle itself first."""
    manifest = bundle.manifest
    return Lineage(
        parent={'name': manifest.name, 'hash': bundle_hash(bundle)},
        data=tuple(manifest.provenance.data),
    )


def lineage_before(info: CheckpointInfo) -> Lineage:
    """Return what the run owes that a checkpoint is of, which is to be resumed."""
    return Lineage(
        parent=info.parent,
        data=tuple(entry for entry in info.data if _ends(entry, OF_PARENT, OF_TEACHER)),
    )


def inherited(data: Sequence[Mapping[str, object]], whose: str) -> list[dict[str, object]]:
    """Return what another network was trained on, with whose it is behind its use.

    Args:
        data: Entries of its provenance; those it was measured on are left out.
        whose: `OF_PARENT` or `OF_TEACHER`.
    """
    return [
        {**entry, 'use': _use(entry) if _ends(entry, whose) else f'{_use(entry)}, {whose}'}
        for entry in data
        if not _use(entry).startswith('validation')
    ]


def _pictures(entry: Mapping[str, object]) -> tuple[object, ...]:
    return tuple(entry.get(key) for key in ('name', 'fold', 'fingerprint'))


def _use(entry: Mapping[str, object]) -> str:
    return str(entry.get('use', 'train'))


def _ends(entry: Mapping[str, object], *whose: str) -> bool:
    return _use(entry).endswith(tuple(f', {one}' for one in whose))
