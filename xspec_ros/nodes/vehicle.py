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

"""The file of a vehicle: camera pairs, each with a perception node and parameters of its own."""

from __future__ import annotations

from pathlib import Path
import re
from typing import Annotated, TYPE_CHECKING

from msgspec import Meta, Struct

from xspec_ros.config import load_struct, nearest
from xspec_ros.errors import ConfigError
from xspec_ros.nodes.settings import NodeSettings
from xspec_ros.perception.parameters import build_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMESPACE = re.compile(r'/?[A-Za-z][A-Za-z0-9_]*(/[A-Za-z][A-Za-z0-9_]*)*')


class CameraPair(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thermal and one RGB camera."""

    thermal_camera: Annotated[str, Meta(description='Name of a thermal camera file.')] = 'any'
    rgb_camera: Annotated[str, Meta(description='Name of an RGB camera file.')] = 'any'
    params: Annotated[
        tuple[str, ...],
        Meta(description='Parameter files, a later one wins; relative to the vehicle file.'),
    ] = ()
    parameters: Annotated[
        dict[str, object], Meta(description='Single parameters, over all files.')
    ] = {}
    overlay: Annotated[
        bool, Meta(description='Start an overlay node too; it draws while somebody looks.')
    ] = False


class Vehicle(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All camera pairs of a vehicle."""

    pairs: Annotated[dict[str, CameraPair], Meta(description='Pairs by their namespace.')]
    parameters: Annotated[
        dict[str, object], Meta(description='Single parameters of every pair, below its own.')
    ] = {}


class PairPlan(Struct, frozen=True, kw_only=True):
    """What is started for one pair.

    Attributes:
        namespace: Namespace of the nodes and of relative topics.
        nodes: Names of nodes and of their executables.
        files: Parameter files, a later one wins.
        parameters: Parameters over the files, by dotted name.
    """

    namespace: str
    nodes: tuple[str, ...]
    files: tuple[Path, ...]
    parameters: dict[str, object]


def plan_vehicle(path: str | Path, cameras: Path) -> tuple[PairPlan, ...]:
    """Read a vehicle file and check everything that can be checked before a node runs.

    Args:
        path: The file.
        cameras: Folder of the camera files, ``thermal/NAME.yaml`` and ``rgb/NAME.yaml``.

    Returns:
        What to start, in the order of the file.

    Raises:
        ConfigError: An unknown key, camera or parameter, a missing file, or no pair at all.
    """
    path = Path(path)
    vehicle = load_struct(path, Vehicle)
    if not vehicle.pairs:
        message = f'{path} has no pairs'
        raise ConfigError(message, hint='name at least one under pairs')
    common = flatten(vehicle.parameters)
    return tuple(
        _plan(name, pair, common, path=path, cameras=cameras)
        for name, pair in vehicle.pairs.items()
    )


def flatten(values: Mapping[str, object], prefix: str = '') -> dict[str, object]:
    """Return nested parameters by dotted name, as in a ROS parameter file."""
    found: dict[str, object] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            found |= flatten(value, f'{prefix}{name}.')
        else:
            found[f'{prefix}{name}'] = value
    return found


def _plan(
    name: str, pair: CameraPair, common: Mapping[str, object], *, path: Path, cameras: Path
) -> PairPlan:
    where = f'pairs.{name} of {path}'
    if not NAMESPACE.fullmatch(name):
        message = f'{name!r} in {path} is no namespace'
        raise ConfigError(
            message, hint='use letters, digits and _, for example front or left/near'
        )
    parameters = {**common, **flatten(pair.parameters)}
    build_settings(NodeSettings, parameters, where)
    own = tuple(_existing(path.parent / file, where) for file in pair.params)
    thermal = _camera(cameras / 'thermal', pair.thermal_camera, where)
    rgb = _camera(cameras / 'rgb', pair.rgb_camera, where)
    given = {key: value for key, value in parameters.items() if value is not None}
    nodes = ('perception', 'overlay') if pair.overlay else ('perception',)
    return PairPlan(namespace=name, nodes=nodes, files=(thermal, rgb, *own), parameters=given)


def _camera(folder: Path, name: str, where: str) -> Path:
    found = folder / f'{name}.yaml'
    known = sorted(each.stem for each in folder.glob('*.yaml'))
    if name not in known:
        message = f'unknown {folder.name} camera {name!r} in {where}'
        raise ConfigError(message, hint=nearest(name, known))
    return found


def _existing(file: Path, where: str) -> Path:
    if not file.is_file():
        message = f'no parameter file {file}, named in {where}'
        raise ConfigError(message, hint='paths are relative to the vehicle file')
    return file
