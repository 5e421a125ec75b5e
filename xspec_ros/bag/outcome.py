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

"""What came of a run over a bag, and the files that tell it: summary.json and report.html."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from xspec_ros.bundle.store import bundle_hash
from xspec_ros.errors import DataError
from xspec_ros.report.data import ReplayReport
from xspec_ros.report.html import render

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from xspec_ros.bundle.store import Bundle
    from xspec_ros.errors import XspecError
    from xspec_ros.report.data import FrameNote, Picture

RESULTS = 'results.mcap'
SUMMARY = 'summary.json'
REPORT = 'report.html'

ALL, PART, NOTHING = 0, 1, 2


@dataclass(slots=True, kw_only=True)
class ReplayOutcome:
    """What came of it.

    Attributes:
        summary: JSON-ready figures, as in ``summary.json``.
        error: What went wrong, next to what was achieved.
        usable: True when at least one frame was answered.
        interrupted: True after Ctrl-C.
        problems: Things worth a line.
    """

    summary: dict[str, object]
    error: XspecError | None = None
    usable: bool = False
    interrupted: bool = False
    problems: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """Exit status: 0 all went well, 1 a part of it, 2 nothing."""
        if not self.usable and not self.interrupted:
            return NOTHING
        return ALL if self.error is None else PART


def make_folder(out: Path) -> None:
    """Make the folder for the results.

    Raises:
        DataError: It cannot be made.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f'{out} cannot be made: {error.strerror}'
        raise DataError(message, hint='choose another --out') from error


def write_outcome(out: Path, outcome: ReplayOutcome, page: Callable[[], str] | None) -> None:
    """Write summary and report; a disk that refuses them takes nothing from the outcome.

    Args:
        out: The folder.
        outcome: What to write; its summary gets ``problems`` and ``files``.
        page: Makes the page, called when something was answered; None for no page.
    """
    outcome.summary['problems'] = outcome.problems
    try:
        if page is not None and outcome.usable:
            _write_whole(out / REPORT, page().encode())
        files = [name for name in (RESULTS, SUMMARY, REPORT) if (out / name).exists()]
        outcome.summary['files'] = sorted({*files, SUMMARY})
        content = msgspec.json.format(msgspec.json.encode(outcome.summary), indent=2)
        _write_whole(out / SUMMARY, content)
    except OSError as error:
        message = f'{out} cannot be written: {error.strerror}'
        hint = 'free some space; what was written before is readable'
        outcome.error = outcome.error or DataError(message, hint=hint)


def report_page(
    title: str,
    bundle: Bundle,
    outcome: ReplayOutcome,
    *,
    notes: Iterable[FrameNote],
    pictures: tuple[Picture, ...],
) -> str:
    """Return the page of a run.

    Args:
        title: Name of the bag.
        bundle: The model.
        outcome: What came of it; an error stands at the top of the page.
        notes: What became of every frame, in order.
        pictures: The gallery.
    """
    problems = list(outcome.problems)
    if outcome.error is not None:
        problems.insert(0, str(outcome.error))
    report = ReplayReport(
        title=title,
        manifest=bundle.manifest,
        model_hash=bundle_hash(bundle),
        summary=outcome.summary,
        notes=tuple(notes),
        pictures=pictures,
        problems=tuple(problems),
    )
    return render(report)


def _write_whole(path: Path, content: bytes) -> None:
    """Write a file so that it is either whole or not there; a full disk keeps no half of it."""
    draft = path.with_name(f'{path.name}.part')
    try:
        draft.write_bytes(content)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
