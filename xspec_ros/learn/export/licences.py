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
