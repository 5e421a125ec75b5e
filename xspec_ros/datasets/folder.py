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

"""The project's own layout: rgb/, thermal/, masks/, box files, classes.txt, split.csv."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from xspec_ros.core.labels import check_class_names
from xspec_ros.datasets.coco import PictureBoxes, read_coco
from xspec_ros.datasets.dataset import Entry, Index
from xspec_ros.datasets.images import Picture, SUFFIXES
from xspec_ros.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

PICTURE_FOLDERS = ('rgb', 'thermal')


def is_folder_layout(root: Path) -> bool:
    """Tell whether a folder is a part of this layout or holds such parts.

    Args:
        root: The folder.
    """
    return _is_part(root) or bool(_parts(root))


def index_folder(root: Path, detection_ids: Mapping[str, int]) -> Index:
    """List the samples of a part, or of all parts below a parent.

    Args:
        root: A part (holds ``rgb/`` or ``thermal/``) or its parent.
        detection_ids: Detection class id of every lower-case category name or alias.

    Raises:
        DataError: Files do not belong together.
    """
    parts = [root] if _is_part(root) else _parts(root)
    entries: list[Entry] = []
    names: tuple[str, ...] | None = None
    for part in parts:
        part_names = _class_names(part)
        if names is not None and part_names and names and part_names != names:
            message = f'the parts of {root} have different classes.txt'
            raise DataError(message, hint='open the parts one by one')
        names = names or part_names
        entries += _index_part(part, detection_ids)
    if not entries:
        message = f'no pictures in {root}'
        raise DataError(message, hint=f'put {", ".join(SUFFIXES)} files into rgb/ or thermal/')
    if not names and any(entry.mask is not None for entry in entries):
        message = f'{root} has masks but no classes.txt'
        raise DataError(message, hint='name the ids, one line each, in classes.txt beside masks/')
    return Index(entries=tuple(entries), mask_names=names or ())


def list_pictures(folder: Path) -> dict[str, Path]:
    """Return the picture files of a folder by name without suffix, sorted; {} without folder.

    Args:
        folder: The folder.

    Raises:
        DataError: Two files have one name.
    """
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if path.suffix.lower() not in SUFFIXES or path.name.startswith('.'):
            continue
        if path.stem in found:
            message = f'{path.name} and {found[path.stem].name} in {folder} have one name'
            raise DataError(message, hint='keep one of them')
        found[path.stem] = path
    return found


def read_class_names(path: Path) -> tuple[str, ...]:
    """Read ``classes.txt``: line n names id n-1.

    Args:
        path: The file.

    Raises:
        DataError: The file cannot be read.
        ConfigError: The names are not usable.
    """
    lines = _text(path).splitlines()
    names = tuple(line.strip() for line in lines)
    while names and not names[-1]:
        names = names[:-1]
    check_class_names(names, str(path))
    return names


def read_lines(path: Path, *, strip: bool = True) -> list[str]:
    """Read the lines of a text file.

    Args:
        path: The file.
        strip: Leave out blank lines and white space around the others.

    Raises:
        DataError: The file cannot be read.
    """
    lines = _text(path).splitlines()
    return [line.strip() for line in lines if line.strip()] if strip else lines


def refuse_orphans(found: Sequence[str], pictures: Mapping[str, object], where: str) -> None:
    """Refuse labels whose picture is not there.

    Args:
        found: Names of labels.
        pictures: Names of pictures.
        where: File or folder of the labels.

    Raises:
        DataError: Some label has no picture; the message names up to three.
    """
    orphans = [name for name in found if name not in pictures]
    if orphans:
        shown = ', '.join(orphans[:3]) + (', ...' if len(orphans) > 3 else '')
        message = f'{where} labels {len(orphans)} pictures that are not there: {shown}'
        raise DataError(message, hint='names of labels and pictures must be equal')


def _is_part(folder: Path) -> bool:
    return any((folder / name).is_dir() for name in PICTURE_FOLDERS)


def _parts(root: Path) -> list[Path]:
    return [path for path in sorted(root.iterdir()) if path.is_dir() and _is_part(path)]


def _index_part(part: Path, detection_ids: Mapping[str, int]) -> list[Entry]:
    rgb, thermal = (list_pictures(part / name) for name in PICTURE_FOLDERS)
    if rgb and thermal and not rgb.keys() & thermal.keys():
        message = f'rgb/ and thermal/ of {part} have no name in common'
        raise DataError(message, hint=f'for example {next(iter(rgb))} and {next(iter(thermal))}')
    names = sorted(rgb.keys() | thermal.keys())
    masks = list_pictures(part / 'masks')
    refuse_orphans(list(masks), rgb | thermal, str(part / 'masks'))
    boxes_thermal = _boxes(part / 'boxes_thermal.json', thermal, detection_ids)
    boxes_rgb = _boxes(part / 'boxes_rgb.json', rgb, detection_ids)
    split = read_split(part)
    return [
        Entry(
            name=name,
            part=part.name,
            fold=split.get(name, {}).get('fold') or ('' if _has_folds(split) else part.name),
            day=_day(split.get(name, {}).get('day_or_night', '')),
            rgb=Picture(path=rgb[name]) if name in rgb else None,
            thermal=Picture(path=thermal[name]) if name in thermal else None,
            mask=masks.get(name),
            boxes_thermal=boxes_thermal.get(name),
            boxes_rgb=boxes_rgb.get(name),
        )
        for name in names
    ]


def _boxes(
    path: Path, pictures: Mapping[str, Path], detection_ids: Mapping[str, int]
) -> dict[str, PictureBoxes]:
    if not path.is_file():
        return {}
    found = read_coco(path, detection_ids)
    refuse_orphans(list(found), pictures, str(path))
    return found


def _class_names(part: Path) -> tuple[str, ...]:
    path = _beside(part, 'classes.txt')
    return () if path is None else read_class_names(path)


def read_split(part: Path) -> dict[str, dict[str, str]]:
    """Read the rows of ``split.csv`` (in the part or its parent) by name; {} without one.

    Args:
        part: Folder of a part.

    Raises:
        DataError: The file cannot be read or has no column ``name``.
    """
    path = _beside(part, 'split.csv')
    if path is None:
        return {}
    reader = csv.DictReader(_text(path).splitlines())
    if 'name' not in (reader.fieldnames or ()):
        message = f'{path} has no column name'
        raise DataError(message, hint='begin it with name,day_or_night,fold')
    return {row['name']: {k: v or '' for k, v in row.items() if k is not None} for row in reader}


def _has_folds(split: Mapping[str, Mapping[str, str]]) -> bool:
    return any('fold' in row for row in split.values())


def _day(text: str) -> bool | None:
    return {'day': True, 'dusk': True, 'dawn': True, 'night': False}.get(text.strip().lower())


def _beside(part: Path, name: str) -> Path | None:
    for folder in (part, part.absolute().parent):
        if (folder / name).is_file():
            return folder / name
    return None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding='utf-8-sig')
    except (OSError, UnicodeDecodeError) as error:
        message = f'cannot read {path}: {error}'
        raise DataError(message, hint='give a readable UTF-8 text file') from error
