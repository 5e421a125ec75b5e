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

"""``xspec play``: publish a bag on a live DDS graph."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TYPE_CHECKING

import typer

from xspec_ros.cli.live import DDS_HINT, tell
from xspec_ros.cli.output import (
    DebugOption,
    EXIT_NOTHING,
    EXIT_PARTIAL,
    JsonOption,
    Outcome,
    run_verb,
)
from xspec_ros.cli.signals import stop_on_signals
from xspec_ros.errors import ConfigError, DataError, XspecError

if TYPE_CHECKING:
    from xspec_ros.dds.play import PlaySummary


def command(
    bag: Annotated[Path, typer.Argument(help='Bag: .mcap or .db3 file, or bag folder.')],
    *,
    rate: Annotated[float, typer.Option(help='Factor on the recorded speed.')] = 1.0,
    loop: Annotated[bool, typer.Option('--loop', help='Start over until Ctrl-C.')] = False,
    domain: Annotated[
        int | None, typer.Option(help='DDS domain.', show_default='ROS_DOMAIN_ID, else 0')
    ] = None,
    wait_for: Annotated[
        int,
        typer.Option(
            help='Readers, of all topics together, to wait for before the first message.', min=0
        ),
    ] = 0,
    topics: Annotated[
        list[str] | None, typer.Option('--topic', help='Play only this topic (repeatable).')
    ] = None,
    json_output: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Publish a bag on DDS with ROS 2 names and types, as recorded in time.

    Readers that are already there are waited for; at the end, their confirmations.

    \b
    Examples:
      xspec play drive.mcap
      xspec play drive.mcap --rate 0.5 --loop --domain 7
      xspec play drive.mcap --wait-for 2 --topic /thermal/image_raw --topic /rgb/image_raw
    """  # noqa: D301 - the escape keeps the lines of the examples apart

    def work() -> Outcome:
        if rate <= 0:
            message = f'--rate {rate}'
            raise ConfigError(message, hint='give a factor above 0; 1 is as recorded')
        return _run(bag, set(topics or ()), rate=rate, loop=loop, domain=domain, wait_for=wait_for)

    run_verb(work, json_output=json_output, debug=debug)


def _run(
    path: Path, wanted: set[str], *, rate: float, loop: bool, domain: int | None, wait_for: int
) -> Outcome:
    from xspec_ros.bag.reader import BagReader

    try:
        from xspec_ros.dds.play import play
    except ImportError as error:
        message = f'the DDS door needs cyclonedds: {error}'
        raise ConfigError(message, hint=DDS_HINT) from error

    with BagReader(path) as reader, stop_on_signals() as stop:
        there = reader.topics()
        chosen = [topic for topic in there if topic.name in wanted or not wanted]
        if unknown := wanted - {topic.name for topic in there}:
            message = f'{path} has no topic {", ".join(sorted(unknown))}'
            named = ', '.join(f'{topic.name} ({topic.type_name})' for topic in there)
            raise DataError(message, hint=f'its topics: {named}')
        names = [topic.name for topic in chosen]
        summary = play(
            lambda: reader.messages(names),
            chosen,
            domain=domain,
            rate=rate,
            loop=loop,
            wait_for=wait_for,
            stop=stop.event,
            on_notice=tell,
        )
        return _outcome(summary, tear=reader.tear, loop=loop)


def _outcome(summary: PlaySummary, *, tear: str | None, loop: bool) -> Outcome:
    data: dict[str, object] = {
        'messages': summary.messages,
        'seconds': round(summary.seconds, 3),
        'refused': summary.refused,
        'lost': summary.lost,
        'loops': summary.loops,
        'acknowledged': summary.acknowledged,
        'skipped': list(summary.skipped),
        'tear': tear,
    }
    text = f'{summary.messages} messages in {summary.seconds:.1f} s'
    outcome = Outcome(data=data, text=text)
    if tear:
        outcome.error = DataError(f'torn bag: {tear}', hint='all before the tear was published')
    elif summary.stopped and not loop:
        outcome.error = XspecError('stopped by Ctrl-C')
    elif not summary.messages and not summary.stopped:
        outcome.error = DataError('no message was published', hint='see xspec bag info')
    if outcome.error is not None:
        outcome.exit_code = EXIT_PARTIAL if summary.messages else EXIT_NOTHING
    return outcome
