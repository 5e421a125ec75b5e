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

"""Bring an older ``bundle.json`` to the present schema, or refuse it by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xspec_ros.bundle.manifest import SCHEMA_VERSION
from xspec_ros.errors import BundleError

if TYPE_CHECKING:
    from collections.abc import Callable

MIGRATIONS: dict[int, Callable[[dict[str, object]], dict[str, object]]] = {}
"""Step from version n to n + 1, by n."""


def migrate(raw: dict[str, object], where: str) -> dict[str, object]:
    """Return the manifest at the present schema version.

    Args:
        raw: The decoded JSON object.
        where: File, for the message.

    Returns:
        The same object, or a migrated copy.

    Raises:
        BundleError: No version, a newer one, or an older one that has no migration.
    """
    version = raw.get('schema_version')
    if not isinstance(version, int) or isinstance(version, bool):
        message = f'schema_version {version!r} in {where}'
        raise BundleError(message, hint='a bundle states its schema version as a whole number')
    if version > SCHEMA_VERSION:
        message = f'{where} has schema version {version}; this package reads {SCHEMA_VERSION}'
        raise BundleError(message, hint='upgrade xspec_ros')
    for step in range(version, SCHEMA_VERSION):
        if step not in MIGRATIONS:
            message = f'{where} has schema version {version}, which cannot be migrated'
            raise BundleError(message, hint='export the model again with this package')
        raw = MIGRATIONS[step](raw)
    return raw
