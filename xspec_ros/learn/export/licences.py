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

"""Licences of the data sets this project trains on, as their own pages state them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

STATED: dict[str, str] = {
    'camvid': 'none stated for the data',
    'hit_uav': 'CC BY 4.0',
    'mfnet': 'none stated',
    'msrs': 'none stated for the data (MIT named for a code repository that carries it)',
    'roadscene': 'none stated (FLIR terms of use)',
    'superfusion_warp': 'none stated for the data',
    'synthetic drives': 'made by this package (Apache-2.0)',
}


def licence_of(entry: Mapping[str, object]) -> str:
    """Return the licence of a checkpoint's data entry: its own words, else what is known.

    Args:
        entry: Has ``name``, perhaps ``licence``.
    """
    own = entry.get('licence')
    return str(own) if own else STATED.get(str(entry.get('name')), 'not stated')
