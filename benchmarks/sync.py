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

"""Pairing measured against the best possible and against message_filters.

``python -m benchmarks.sync --peer message_filters/__init__.py`` prints the tables of
docs/sync.md. The peer is the Python file of ros2/message_filters, fetched by hand, run with
stand-ins for rclpy's values; without ``--peer`` its rows are left out.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from functools import partial
from pathlib import Path
import sys
from time import process_time
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from benchmarks.sync_peer import Header, load_peer, Message, Source, Time
from xspec_ros.core.frame import Frame, Modality
from xspec_ros.core.sync import Paired, PairSynchronizer, SyncSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

    from numpy.typing import NDArray

SLOP_MS = 50.0
RATES_HZ: dict[Modality, float] = {'rgb': 30.0, 'thermal': 9.0}
PHASE_MS: dict[Modality, float] = {'rgb': 0.0, 'thermal': 13.0}
ROUND_MS = 20_000.0
QUEUE = 10
LONG_QUEUE = 60
LONG_WAIT_MS = 700.0

_IMAGE = np.zeros((1, 1), np.uint8)  # pixels play no part in pairing


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One message at the synchroniser's door.

    Attributes:
        at_ms: When it arrives.
        frame: The frame.
        round: Which pass of the bag it belongs to.
    """

    at_ms: float
    frame: Frame
    round: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Two streams as they arrive.

    Attributes:
        name: What is wrong with them.
        delay_ms: Delivery time of each camera.
        drop: Share of the frames that never arrive.
        rounds: Passes of a looped bag.
        dead: A camera that delivers nothing for the 5 s in the middle.
    """

    name: str
    delay_ms: tuple[float, float] = (0.0, 0.0)
    drop: float = 0.0
    rounds: int = 1
    dead: Modality | None = None

    def arrivals(self, seconds: float, seed: int) -> list[Arrival]:
        """Make the messages, 2 ms stamp jitter (sigma), in order within each camera."""
        generator = np.random.default_rng(seed)
        length_ms = ROUND_MS if self.rounds > 1 else seconds * 1000
        made: list[Arrival] = []
        for index in range(self.rounds):
            for modality, delay_ms in zip(_modalities(), self.delay_ms, strict=True):
                period_ms = 1000 / RATES_HZ[modality]
                stamps = PHASE_MS[modality] + np.arange(int(length_ms / period_ms)) * period_ms
                stamps = np.sort(stamps + generator.normal(0, 2, len(stamps)).clip(-6, 6))
                keep = generator.random(len(stamps)) >= self.drop
                if self.dead == modality:
                    keep &= np.abs(stamps - length_ms / 2) > 2500
                made += [
                    Arrival(
                        at_ms=float(stamp) + delay_ms + index * length_ms,
                        frame=_frame(modality, float(stamp) + 1000),
                        round=index,
                    )
                    for stamp in stamps[keep]
                ]
        return sorted(made, key=lambda arrival: arrival.at_ms)


SCENARIOS = (
    Scenario(name='jitter only'),
    Scenario(name='5 % drops', drop=0.05),
    Scenario(name='RGB 60 ms late', delay_ms=(60, 0)),
    Scenario(name='RGB 500 ms late', delay_ms=(500, 0)),
    Scenario(name='thermal 500 ms late', delay_ms=(0, 500)),
    Scenario(name='bag loop, 3 rounds', rounds=3),
    Scenario(name='RGB dead for 5 s', dead='rgb'),
    Scenario(name='thermal dead for 5 s', dead='thermal'),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """One pair and when it was handed out.

    Attributes:
        thermal: Index of the thermal message in the order of arrival.
        rgb: Index of the RGB message.
        decided: Index of the message whose arrival made the pair.
    """

    thermal: int
    rgb: int
    decided: int


Run: TypeAlias = tuple[list[Match], float, str]  # pairs, seconds, advice


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table.

    Attributes:
        pairs: Pairs with both frames of the same round.
        wrong: Pairs across rounds.
        mean_ms: Mean |RGB - thermal|; NaN without pairs.
        worst_ms: Largest |RGB - thermal|.
        wait_ms: Mean time from the arrival of the thermal frame to its pair.
        us: CPU microseconds a message, fastest run; NaN where nothing ran.
    """

    pairs: int
    wrong: int
    mean_ms: float
    worst_ms: float
    wait_ms: float
    us: float


def best_offsets(
    thermal_ns: NDArray[np.int64], rgb_ns: NDArray[np.int64], slop_ns: int
) -> NDArray[np.int64]:
    """Return the offsets of the best assignment: most pairs, then the least sum of offsets.

    On a line the best assignment never crosses, so dynamic programming over both sorted lists
    finds it.

    Args:
        thermal_ns: (N,) sorted stamps.
        rgb_ns: (M,) sorted stamps.
        slop_ns: Largest offset of a pair.

    Returns:
        (P,) int64, |RGB - thermal| of each pair.
    """
    reward = 10**12
    table = np.zeros((len(thermal_ns) + 1, len(rgb_ns) + 1), np.int64)
    for i, stamp in enumerate(thermal_ns):
        gaps = np.abs(rgb_ns - stamp)
        paired = np.where(gaps <= slop_ns, table[i, :-1] + reward - gaps, -1)
        table[i + 1, 1:] = np.maximum(table[i, 1:], paired)
        np.maximum.accumulate(table[i + 1], out=table[i + 1])
    offsets = []
    i, j = len(thermal_ns), len(rgb_ns)
    while i and j:
        if table[i, j] == table[i - 1, j]:
            i -= 1
        elif table[i, j] == table[i, j - 1]:
            j -= 1
        else:
            i, j = i - 1, j - 1
            offsets.append(abs(int(rgb_ns[j]) - int(thermal_ns[i])))
    return np.array(offsets, np.int64)


def run_ours(arrivals: Sequence[Arrival], settings: SyncSettings) -> Run:
    """Feed the synchroniser; return its pairs, the CPU seconds it took and its advice."""
    sync = PairSynchronizer(settings)
    frames = [arrival.frame for arrival in arrivals]
    start = process_time()
    events = [sync.push(frame) for frame in frames]
    events.append(sync.flush())
    seconds = process_time() - start
    index = {id(frame): i for i, frame in enumerate(frames)}
    advice = sync.advice()
    matches = [
        Match(
            thermal=index[id(event.pair.thermal)],
            rgb=index[id(event.pair.rgb)],
            decided=min(decided, len(frames) - 1),
        )
        for decided, made in enumerate(events)
        for event in made
        if isinstance(event, Paired)
    ]
    return matches, seconds, '' if advice is None else advice.message


def run_peer(arrivals: Sequence[Arrival], peer: ModuleType, queue: int) -> Run:
    """Feed message_filters; return its pairs and the CPU seconds it took."""
    sources = {modality: Source() for modality in _modalities()}
    sync = peer.ApproximateTimeSynchronizer(
        [sources['thermal'], sources['rgb']], queue, SLOP_MS / 1000
    )
    matches: list[Match] = []
    now = 0

    def note(thermal: Message, rgb: Message) -> None:
        left, right = thermal.payload, rgb.payload
        if isinstance(left, int) and isinstance(right, int):
            matches.append(Match(thermal=left, rgb=right, decided=now))

    sync.registerCallback(note)
    feeds = [
        (
            sources[arrival.frame.modality].feed,
            Message(header=Header(stamp=Time(nanoseconds=arrival.frame.stamp_ns)), payload=index),
        )
        for index, arrival in enumerate(arrivals)
    ]
    start = process_time()
    for now, (feed, message) in enumerate(feeds):  # noqa: B007 - the callback reads it
        feed(message)
    return matches, process_time() - start, ''


def measure(
    arrivals: Sequence[Arrival],
    run: Callable[[], Run],
    repeats: int,
) -> tuple[Row, str]:
    """Run one synchroniser over one scenario."""
    runs = [run() for _ in range(repeats)]
    matches, _, advice = runs[0]
    same = [m for m in matches if arrivals[m.thermal].round == arrivals[m.rgb].round]
    offsets = [
        abs(arrivals[m.rgb].frame.stamp_ns - arrivals[m.thermal].frame.stamp_ns) / 1e6
        for m in same
    ]
    waits = [arrivals[m.decided].at_ms - arrivals[m.thermal].at_ms for m in same]
    row = Row(
        pairs=len(same),
        wrong=len(matches) - len(same),
        mean_ms=float(np.mean(offsets)) if offsets else float('nan'),
        worst_ms=max(offsets, default=float('nan')),
        wait_ms=float(np.mean(waits)) if waits else float('nan'),
        us=min(seconds for _, seconds, _ in runs) / len(arrivals) * 1e6,
    )
    return row, advice


def best_row(arrivals: Sequence[Arrival]) -> Row:
    """Return what a judge with all stamps at hand would pair."""
    offsets: list[int] = []
    for index in sorted({arrival.round for arrival in arrivals}):
        stamps = {
            modality: np.array(
                sorted(
                    a.frame.stamp_ns
                    for a in arrivals
                    if a.round == index and a.frame.modality == modality
                ),
                np.int64,
            )
            for modality in _modalities()
        }
        found = best_offsets(stamps['thermal'], stamps['rgb'], round(SLOP_MS * 1e6))
        offsets += found.tolist()
    return Row(
        pairs=len(offsets),
        wrong=0,
        mean_ms=float(np.mean(offsets)) / 1e6,
        worst_ms=max(offsets) / 1e6,
        wait_ms=float('nan'),
        us=float('nan'),
    )


def table(
    peer: ModuleType | None, *, seconds: float, seed: int, repeats: int, patient: bool
) -> tuple[list[str], list[str]]:
    """Return one table as markdown lines, and what the synchroniser advises.

    Args:
        peer: message_filters, or None.
        seconds: Length of each scenario.
        seed: Of jitter and drops.
        repeats: Timed runs a cell.
        patient: Queue and wait above the latency instead of the defaults.
    """
    settings = SyncSettings(slop_ms=SLOP_MS)
    queue = LONG_QUEUE if patient else QUEUE
    if patient:
        settings = SyncSettings(slop_ms=SLOP_MS, max_wait_ms=LONG_WAIT_MS, max_frames=LONG_QUEUE)
    lines = [
        '| streams | who | pairs | of best | mean ms | worst ms | wait ms | CPU us a message |',
        '|---|---|---|---|---|---|---|---|',
    ]
    advices: list[str] = []
    for scenario in SCENARIOS:
        arrivals = scenario.arrivals(seconds, seed)
        best = best_row(arrivals)
        lines.append(_line(scenario.name, 'best possible', best, best.pairs))
        ours, advice = measure(arrivals, partial(run_ours, arrivals, settings), repeats)
        lines.append(_line('', 'xspec_ros', ours, best.pairs))
        if advice:
            advices.append(f'- {scenario.name}: "{advice}"')
        if peer is not None:
            other, _ = measure(arrivals, partial(run_peer, arrivals, peer, queue), repeats)
            lines.append(_line('', 'message_filters', other, best.pairs))
    return lines, advices


def main(arguments: Sequence[str] | None = None) -> int:
    """Print both tables as markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--peer', type=Path, help="message_filters' __init__.py")
    parser.add_argument('--seconds', type=float, default=60.0)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--repeats', type=int, default=11)
    options = parser.parse_args(arguments)
    peer = None if options.peer is None else load_peer(options.peer)
    out = sys.stdout
    if peer is None:
        out.write('message_filters was not given (--peer): its rows are left out.\n\n')
    titles = (
        f'Defaults (queue {QUEUE} for message_filters, which has none of its own)',
        f'Queue {LONG_QUEUE} and wait {LONG_WAIT_MS:.0f} ms, above the latency',
    )
    for patient, title in enumerate(titles):
        lines, advices = table(
            peer,
            seconds=options.seconds,
            seed=options.seed,
            repeats=options.repeats,
            patient=bool(patient),
        )
        out.write(f'{title}:\n\n' + '\n'.join(lines) + '\n\n')
        if advices:
            out.write('What the diagnostics say:\n\n' + '\n'.join(advices) + '\n\n')
    return 0


def _modalities() -> tuple[Modality, Modality]:
    return 'rgb', 'thermal'


def _frame(modality: Modality, stamp_ms: float) -> Frame:
    return Frame(
        modality=modality,
        stamp_ns=round(stamp_ms * 1e6),
        frame_id=modality,
        image=_IMAGE,
        encoding='rgb8' if modality == 'rgb' else 'mono16',
    )


def _line(name: str, who: str, row: Row, best: int) -> str:
    wrong = f' (+{row.wrong} wrong)' if row.wrong else ''
    cells = [
        name,
        who,
        f'{row.pairs}{wrong}',
        f'{100 * row.pairs / max(best, 1):.1f} %',
        *map(_number, (row.mean_ms, row.worst_ms, row.wait_ms, row.us)),
    ]
    return '| ' + ' | '.join(cells) + ' |'


def _number(value: float) -> str:
    return '-' if np.isnan(value) else f'{value:.1f}'


if __name__ == '__main__':
    sys.exit(main())
