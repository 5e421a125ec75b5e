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

"""Bundles on disk: open with every check, write whole or not at all."""

from __future__ import annotations

from dataclasses import dataclass
import hashlib
import os
from pathlib import Path
import shutil
from typing import TYPE_CHECKING

import msgspec

from xspec_ros.bundle.check import check_file_name, check_manifest
from xspec_ros.bundle.manifest import FileEntry, Manifest, MANIFEST_NAME
from xspec_ros.bundle.migrate import migrate
from xspec_ros.errors import BundleError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xspec_ros.core.result import Mode

MAX_MANIFEST_BYTES = 1 << 20
WEIGHTS_NAME = 'weights.safetensors'
CARD_NAME = 'README.md'
SHIPPED = Path(__file__).resolve().parent.parent / 'models'

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A bundle that passed its checks.

    Attributes:
        path: Its folder.
        manifest: What it says about itself.
    """

    path: Path
    manifest: Manifest

    def graph_path(self, mode: Mode, precision: str) -> Path:
        """Return the ONNX file of a mode at a precision.

        Raises:
            BundleError: The bundle has no such variant.
        """
        variant = self.manifest.precisions.get(precision)
        if variant is None or mode not in variant.graphs:
            have = [
                f'{name}: {", ".join(p.graphs)}' for name, p in self.manifest.precisions.items()
            ]
            message = f'no {precision!r} graph for mode {mode!r} in {self.path}'
            raise BundleError(message, hint=f'it has {"; ".join(have)}')
        return self.path / variant.graphs[mode]

    @property
    def weights_path(self) -> Path:
        """The file of the network's weights.

        Raises:
            BundleError: The bundle has none.
        """
        if WEIGHTS_NAME not in self.manifest.files:
            message = f'no {WEIGHTS_NAME} in {self.path}'
            raise BundleError(message, hint='use an ONNX engine, or export the model again')
        return self.path / WEIGHTS_NAME


def shipped_names() -> tuple[str, ...]:
    """Return the names of the models inside this package."""
    if not SHIPPED.is_dir():
        return ()
    return tuple(sorted(p.name for p in SHIPPED.iterdir() if (p / MANIFEST_NAME).is_file()))


def resolve_bundle(path_or_name: str | Path) -> Path:
    """Return the folder that a model argument means; a shipped name wins over a bare folder name.

    Raises:
        BundleError: Neither a shipped name nor a folder with a manifest.
    """
    text = str(path_or_name)
    if text in shipped_names():
        return SHIPPED / text
    folder = Path(path_or_name)
    hint = f'give a bundle folder or a shipped name ({", ".join(shipped_names()) or "none here"})'
    if not folder.is_dir():
        message = f'model {text!r} not found' if not folder.exists() else f'{text!r} is no folder'
        raise BundleError(message, hint=hint)
    if not (folder / MANIFEST_NAME).is_file():
        message = f'no {MANIFEST_NAME} in {folder}'
        raise BundleError(message, hint=hint)
    return folder


def open_bundle(path_or_name: str | Path) -> Bundle:
    """Open a bundle: schema, class counts, file list, sizes and SHA-256 are all checked.

    Args:
        path_or_name: A bundle folder or a shipped name.

    Returns:
        The bundle.

    Raises:
        BundleError: Missing, tampered with, of a newer schema, or contradicting itself.
    """
    folder = resolve_bundle(path_or_name)
    manifest = read_manifest(folder / MANIFEST_NAME)
    _check_listing(folder, manifest)
    for name, entry in manifest.files.items():
        _check_file(folder, name, entry)
    return Bundle(path=folder, manifest=manifest)


def read_manifest(path: Path) -> Manifest:
    """Read and check ``bundle.json`` alone; no other file is touched.

    Raises:
        BundleError: Too large, no valid JSON, wrong schema, or contradicting itself.
    """
    try:
        if path.is_symlink():
            message = f'{path} is a symbolic link'
            raise BundleError(message, hint='a bundle holds its own files')
        size = path.stat().st_size
        if size > MAX_MANIFEST_BYTES:
            message = f'{path} has {size} bytes'
            raise BundleError(message, hint=f'a manifest has at most {MAX_MANIFEST_BYTES} bytes')
        raw = msgspec.json.decode(path.read_bytes())
        if not isinstance(raw, dict):
            message = f'{path} holds no JSON object'
            raise BundleError(message, hint='export the model again')
        manifest = msgspec.convert(migrate(raw, str(path)), Manifest)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        message = f'{path} cannot be read: {error}'
        raise BundleError(message, hint='the file is damaged; export the model again') from error
    except OSError as error:
        message = f'{path} cannot be read: {error.strerror}'
        raise BundleError(message, hint='check the path and its permissions') from error
    check_manifest(manifest, str(path))
    return manifest


def bundle_hash(bundle: Bundle) -> str:
    """Return the SHA-256 (hex) of the whole bundle: the manifest covers every file's hash."""
    return hashlib.sha256(msgspec.json.encode(bundle.manifest, order='sorted')).hexdigest()


def write_bundle(
    folder: str | Path, manifest: Manifest, files: Mapping[str, Path | bytes]
) -> Bundle:
    """Write a bundle into a temporary folder, check it, and move it into place.

    Args:
        folder: Where it goes; an older bundle there is replaced, anything else is refused.
        manifest: The manifest; its ``files`` are filled in here.
        files: Content by name: a file to copy, or bytes.

    Returns:
        The bundle as opened from its place.

    Raises:
        BundleError: The target is something else, the disk refuses, or the checks fail.
    """
    target = Path(folder)
    _check_target(target)
    partial = target.parent / f'.{target.name}.partial-{os.getpid()}'
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        entries = {name: _put(partial, name, content) for name, content in sorted(files.items())}
        whole = msgspec.structs.replace(manifest, files=entries)
        text = msgspec.json.format(msgspec.json.encode(whole), indent=2)
        (partial / MANIFEST_NAME).write_bytes(text + b'\n')
        open_bundle(partial)
        _swap(partial, target)
    except OSError as error:
        message = f'cannot write {target}: {error.strerror or error}'
        raise BundleError(message, hint='check free space and permissions') from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return open_bundle(target.resolve())


def _check_target(target: Path) -> None:
    if not target.exists():
        return
    if not target.is_dir() or (any(target.iterdir()) and not (target / MANIFEST_NAME).is_file()):
        message = f'{target} exists and is no bundle'
        raise BundleError(message, hint='choose another folder')


def _put(folder: Path, name: str, content: Path | bytes) -> FileEntry:
    check_file_name(name, str(folder))
    place = folder / name
    place.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, Path):
        shutil.copyfile(content, place)
    else:
        place.write_bytes(content)
    return FileEntry(sha256=_sha256(place), size=place.stat().st_size)


def _swap(partial: Path, target: Path) -> None:
    """Move the new folder to its place; the old one goes only when the new one stands."""
    if not target.exists():
        partial.rename(target)
        return
    old = target.parent / f'.{target.name}.old-{os.getpid()}'
    target.rename(old)
    try:
        partial.rename(target)
    except OSError:
        old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _check_listing(folder: Path, manifest: Manifest) -> None:
    """Refuse files that the manifest does not name; hidden ones (of a desktop) are not ours."""
    listed = {MANIFEST_NAME, *manifest.files}
    for place in sorted(folder.rglob('*')):
        name = place.relative_to(folder).as_posix()
        hidden = any(part.startswith('.') for part in name.split('/'))
        if not hidden and name not in listed and (place.is_symlink() or not place.is_dir()):
            message = f'file {name!r} in {folder} is not in its {MANIFEST_NAME}'
            raise BundleError(message, hint='remove it, or get the bundle again')


def _check_file(folder: Path, name: str, entry: FileEntry) -> None:
    place = folder / name
    links = [p for p in (place, *place.parents) if p != folder and folder in p.parents]
    if any(p.is_symlink() for p in links):
        message = f'{place} is or lies behind a symbolic link'
        raise BundleError(message, hint='a bundle holds its own files')
    if not place.is_file():
        message = f'{place} is missing' if not place.exists() else f'{place} is no regular file'
        raise BundleError(message, hint='get the bundle again')
    try:
        size = place.stat().st_size
        digest = _sha256(place) if size == entry.size else ''
    except OSError as error:
        message = f'{place} cannot be read: {error.strerror}'
        raise BundleError(message, hint='check its permissions') from error
    if size != entry.size or digest != entry.sha256:
        what = f'{size} bytes instead of {entry.size}' if size != entry.size else 'another SHA-256'
        message = f'{place} has {what}'
        raise BundleError(message, hint='it was changed or damaged; get the bundle again')


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open('rb') as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
