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

"""What a manifest must hold together before anything else of a bundle is read."""

from __future__ import annotations

from pathlib import PurePosixPath
import re
from typing import TYPE_CHECKING

from xspec_ros.core.labels import check_class_names
from xspec_ros.errors import BundleError, ConfigError

if TYPE_CHECKING:
    from xspec_ros.bundle.manifest import Manifest

MAX_FILES = 64
MAX_SIDE = 8192
SUFFIXES = ('.onnx', '.safetensors', '.md', '.json', '.yaml')
TASKS = ('segmentation', 'detection')
MODES = {
    'thermal': {'thermal'},
    'rgb': {'rgb'},
    'both': {'thermal', 'fused', 'rgb'},
}
"""Modes that a bundle has a graph for, by its input modality."""

_SAFE_PART = re.compile(r'[A-Za-z0-9_][A-Za-z0-9_.+-]{0,99}')


def check_manifest(manifest: Manifest, where: str) -> None:
    """Refuse a manifest whose parts do not fit each other.

    Args:
        manifest: The decoded manifest.
        where: File, for the message.

    Raises:
        BundleError: Names the first part that does not fit.
    """
    _check_head(manifest, where)
    _check_classes(manifest, where)
    _check_input(manifest, where)
    _check_files(manifest, where)
    _check_graphs(manifest, where)


def check_file_name(name: str, where: str) -> None:
    """Refuse a file name that is not a plain relative path of a known kind.

    Args:
        name: Path inside the bundle, with forward slashes.
        where: File, for the message.

    Raises:
        BundleError: Absolute, climbing, hidden or odd names, unknown kinds (pickles among them).
    """
    parts = name.split('/')
    if len(parts) > 3 or not all(_SAFE_PART.fullmatch(part) for part in parts):
        message = f'file name {name[:80]!r} in {where}'
        raise BundleError(message, hint='files of a bundle lie inside its folder, plainly named')
    if PurePosixPath(name).suffix not in SUFFIXES:
        message = f'file {name!r} in {where}'
        raise BundleError(message, hint=f'a bundle holds only {", ".join(SUFFIXES)}')


def _check_head(manifest: Manifest, where: str) -> None:
    if not _SAFE_PART.fullmatch(manifest.name):
        _refuse(f'model name {manifest.name[:80]!r} in {where}', 'letters, digits, _ . + -')
    tasks = manifest.tasks
    if not tasks or len(set(tasks)) != len(tasks) or not set(tasks) <= set(TASKS):
        _refuse(f'tasks {list(tasks)} in {where}', f'known tasks: {", ".join(TASKS)}')
    for key, value in (
        ('score', manifest.thresholds.score),
        ('confidence', manifest.thresholds.confidence),
    ):
        if not 0.0 <= value <= 1.0:
            _refuse(f'threshold {key} = {value} in {where}', 'thresholds lie in 0 to 1')


def _check_classes(manifest: Manifest, where: str) -> None:
    names = [label.name for label in manifest.classes]
    try:
        check_class_names(names, where)
        check_class_names(manifest.detection_classes, where)
    except ConfigError as error:
        raise BundleError(error.message, hint=error.hint) from error
    for label in manifest.classes:
        if not all(0 <= channel <= 255 for channel in label.colour):
            _refuse(f'colour {label.colour} of {label.name!r} in {where}', 'channels are 0 to 255')
    counts = {'num_classes': len(names), 'num_detection_classes': len(manifest.detection_classes)}
    for key, count in counts.items():
        stated = manifest.network.arguments.get(key)
        if stated != count:
            message = f'{where} names {count} classes where the network has {key} = {stated}'
            _refuse(message, 'the class list does not belong to these weights')


def _check_input(manifest: Manifest, where: str) -> None:
    contract = manifest.input
    if contract.modality not in MODES or contract.size_policy != 'any':
        message = f'input {contract.modality!r}, size policy {contract.size_policy!r} in {where}'
        _refuse(message, f"known: modality {', '.join(MODES)}; size policy 'any'")
    if not contract.bits or not set(contract.bits) <= {8, 16}:
        _refuse(f'bits {list(contract.bits)} in {where}', 'a pixel has 8 or 16 bits')
    if not all(32 <= side <= MAX_SIDE and side % 32 == 0 for side in contract.network_hw):
        message = f'network size {list(contract.network_hw)} in {where}'
        _refuse(message, f'multiples of 32, at most {MAX_SIDE}')
    tone = contract.tone
    if not 0.0 <= tone.low_percentile < tone.high_percentile <= 100.0 or tone.smoothing_s < 0.0:
        message = f'tone {tone.low_percentile}, {tone.high_percentile}, {tone.smoothing_s} s'
        _refuse(
            f'{message} in {where}', 'percentiles rise within 0 to 100; smoothing is not negative'
        )


def _check_files(manifest: Manifest, where: str) -> None:
    if not 1 <= len(manifest.files) <= MAX_FILES:
        _refuse(
            f'{len(manifest.files)} files in {where}', f'a bundle holds 1 to {MAX_FILES} files'
        )
    for name, entry in manifest.files.items():
        check_file_name(name, where)
        if entry.size < 1 or not re.fullmatch(r'[0-9a-f]{64}', entry.sha256):
            _refuse(f'entry of {name!r} in {where}', 'each file has its size and SHA-256')


def _check_graphs(manifest: Manifest, where: str) -> None:
    if 'fp32' not in manifest.precisions:
        _refuse(f'no fp32 graph in {where}', 'every bundle has the fp32 variant')
    for precision, variant in manifest.precisions.items():
        modality = manifest.input.modality
        if set(variant.graphs) != MODES[modality]:
            message = f'modes {sorted(variant.graphs)} of {precision!r} in {where}'
            _refuse(message, f'input {modality!r} means {", ".join(sorted(MODES[modality]))}')
        for mode, name in variant.graphs.items():
            if name not in manifest.files or not name.endswith('.onnx'):
                message = f'graph {name!r} of {precision!r}, mode {mode!r} in {where}'
                _refuse(message, 'each graph is an ONNX file of the list')


def _refuse(message: str, hint: str) -> None:
    raise BundleError(message, hint=hint)
