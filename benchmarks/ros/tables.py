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

"""Figures for people and for programs: one table, one JSON object."""

from __future__ import annotations

import json
from pathlib import Path
import platform
import subprocess
from typing import TYPE_CHECKING

from benchmarks.ros.processes import load

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Mapping, Sequence


def add_output(parser: argparse.ArgumentParser, *, domain: int) -> None:
    """Add the options that every measurement has.

    Args:
        parser: The command line.
        domain: The DDS domain, unless another is given.
    """
    parser.add_argument('--domain', type=int, default=domain, help='DDS domain')
    parser.add_argument('--out', type=Path, help='also write the figures here, as JSON')
    parser.add_argument('--scratch', type=Path, help='keep bags and logs in this folder')


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table."""
    lines = [columns, ['---'] * len(columns), *rows]
    return '\n'.join(f'| {" | ".join(cell(each) for each in line)} |' for line in lines)


def cell(value: object) -> str:
    """Return one value as text for a table."""
    if isinstance(value, float):
        return f'{value:.3g}' if abs(value) < 1 else f'{value:.1f}'
    return '-' if value is None else str(value).replace('|', '\\|')


def report(text: str, figures: Mapping[str, object], out: Path | None) -> None:
    """Print a table, and write the figures with what they were measured on."""
    print(text)
    print(f'\nload of the machine (1 / 5 min): {load()}')
    whole = {'figures': figures, 'load': load(), 'machine': machine()}
    if out is not None:
        out.write_text(json.dumps(whole, indent=2) + '\n', encoding='utf-8')


def machine() -> dict[str, str]:
    """Return what a figure depends on: processor, system, commit."""
    commit = subprocess.run(
        ['git', 'rev-parse', '--short', 'HEAD'], capture_output=True, text=True, check=False
    )
    return {
        'processor': platform.processor() or platform.machine(),
        'system': platform.platform(),
        'python': platform.python_version(),
        'commit': commit.stdout.strip(),
    }
