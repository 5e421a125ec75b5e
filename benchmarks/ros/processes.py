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

"""Processes under measurement: how they are started, what they use, how they end."""

from __future__ import annotations

from dataclasses import dataclass
import os
from pathlib import Path
import signal
import subprocess
import sys
from time import monotonic
from typing import TYPE_CHECKING

from benchmarks.live import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

END_S = 15.0
TICKS_S = os.sysconf('SC_CLK_TCK')
PAGE_BYTES = os.sysconf('SC_PAGE_SIZE')
MIB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a process has used so far.

    Attributes:
        cpu_s: Processor seconds, user and system together.
        rss_mib: Memory that is resident now.
    """

    cpu_s: float
    rss_mib: float


class Child:
    """A process whose output goes to a file; use it as a context manager.

    Args:
        command: Its command line.
        log: File of its output, stdout and stderr together.
        domain: DDS domain.
        environment: Variables on top.
        folder: Working directory; None for this process's.
    """

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        domain: int,
        *,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> None:
        self.log = log
        with log.open('wb') as sink:
            self.process = subprocess.Popen(
                list(command),
                stdout=sink,
                stderr=subprocess.STDOUT,
                env=surroundings(domain) | dict(environment or {}),
                cwd=folder,
            )
        self.started_s = monotonic()

    def __enter__(self) -> Child:
        """Return the process itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it, in whatever state."""
        if self.process.poll() is None:
            self.end()

    @property
    def runs(self) -> bool:
        """Whether it has not ended yet."""
        return self.process.poll() is None

    def text(self) -> str:
        """Return what it has written so far."""
        return self.log.read_text(encoding='utf-8', errors='replace')

    def usage(self) -> Usage:
        """Return what it has used so far; it must be running."""
        folder = Path('/proc') / str(self.process.pid)
        fields = (folder / 'stat').read_text().rpartition(')')[2].split()
        pages = int((folder / 'statm').read_text().split()[1])
        ticks = int(fields[11]) + int(fields[12])
        return Usage(cpu_s=ticks / TICKS_S, rss_mib=pages * PAGE_BYTES / MIB)

    def end(self, number: int = signal.SIGINT, *, within_s: float = END_S) -> tuple[int, float]:
        """Send a signal and wait for the end; kill it when the time is over.

        Args:
            number: The signal.
            within_s: Longest wait.

        Returns:
            Exit status and how long it took.
        """
        started_s = monotonic()
        self.process.send_signal(number)
        try:
            self.process.wait(within_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        return self.process.returncode, monotonic() - started_s

    def wait(self, within_s: float) -> int:
        """Wait until it ends by itself and return its exit status."""
        return self.process.wait(within_s)


def surroundings(domain: int) -> dict[str, str]:
    """Return the environment of every process: one machine, one domain, the loopback."""
    return {'CYCLONEDDS_URI': LOOPBACK} | {
        **os.environ,
        'ROS_DOMAIN_ID': str(domain),
        'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST',
        'PYTHONUNBUFFERED': '1',
    }


def node_command(parameters: Mapping[str, object]) -> list[str]:
    """Return the command line of the perception node with ROS parameters."""
    command = [sys.executable, '-m', 'xspec_ros.nodes.perception', '--ros-args']
    for key, value in parameters.items():
        text = str(value).lower() if isinstance(value, bool) else str(value)
        command += ['-p', f'{key}:={text}']
    return command


def xspec_command(verb: str, *arguments: str, **settings: object) -> list[str]:
    """Return the command line of an ``xspec`` verb.

    Args:
        verb: ``live``, ``play``, ``replay`` or another.
        arguments: Its arguments.
        settings: Run-time parameters, for verbs that take ``--set``.
    """
    chosen = [part for key, value in settings.items() for part in ('--set', f'{key}={value}')]
    return [sys.executable, '-m', 'xspec_ros', verb, *arguments, *chosen]


def player_command(bag: Path, frames: int, domain: int, out: Path) -> list[str]:
    """Return the command line of the 30 Hz player of ``benchmarks.live``."""
    return [
        *(sys.executable, '-m', 'benchmarks.live', '--player', str(out), '--bag', str(bag)),
        *('--frames', str(frames), '--domain', str(domain)),
    ]


def make_drive(bag: Path, frames: int, *, size: str = '640x480', seed: int = 0) -> Path:
    """Write a synthetic drive with 16-bit thermal and 8-bit RGB, unless it is there."""
    if not bag.exists():
        arguments = ('--frames', str(frames), '--size', size, '--seed', str(seed))
        command = xspec_command('synth', '--out', str(bag), *arguments)
        subprocess.run(command, check=True, stdout=sys.stderr)
    return bag


def load() -> str:
    """Return how busy the machine has been, over 1 and 5 minutes, to stand beside a figure."""
    one, five, _ = os.getloadavg()
    return f'{one:.1f} / {five:.1f}'
