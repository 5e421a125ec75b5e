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

"""Processes that train together: started here, agreeing by sums, ended with the run.

Fabric would start the program again with the same arguments; here a child gets the recipe itself,
so that a run of several processes can be started from anywhere, several in a row.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
from multiprocessing.connection import wait
import os
import signal
import socket
import sys
import threading
from typing import cast, TYPE_CHECKING, TypeVar
import warnings

import torch
from torch import distributed

from xspec_ros.errors import DataError, XspecError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from multiprocessing.context import SpawnProcess

RANK_KEY = 'LOCAL_RANK'  # set where somebody else has started the processes
GRACE_S = 20.0  # a child that has not ended by then is stopped
FAILING_S = 20.0  # from the loss of a connection to the end of the process at its other side
Shared = TypeVar('Shared', bound='torch.Tensor | str')


def count_processes() -> int:
    """Return how many processes train together."""
    return distributed.get_world_size() if _together() else 1


def process_number() -> int:
    """Return the number of this process, from 0."""
    return distributed.get_rank() if _together() else 0


def any_process(flag: bool, device: torch.device | str = 'cpu') -> bool:
    """Return whether any process says yes; every process has to ask.

    Args:
        flag: What this one says.
        device: Device of the run; its library carries the answer.
    """
    if not _together():
        return flag
    votes = torch.tensor(int(flag), device=device)
    distributed.all_reduce(votes, op=distributed.ReduceOp.MAX)
    return bool(votes.item())


def mean_terms(terms: Mapping[str, torch.Tensor]) -> dict[str, float]:
    """Return terms as numbers, averaged over the processes; every process has to ask."""
    values = torch.stack([term.detach().float() for term in terms.values()])
    if _together():
        distributed.all_reduce(values)
        values /= distributed.get_world_size()
    return dict(zip(terms, values.tolist(), strict=True))


def gather(value: Shared) -> list[Shared]:
    """Return the values of all processes in their order; every process has to ask."""
    if not _together():
        return [value]
    found: list[Shared | None] = [None] * distributed.get_world_size()
    distributed.all_gather_object(found, value)
    return cast('list[Shared]', found)


@contextlib.contextmanager
def companions(count: int, work: Callable[..., object], *args: object) -> Iterator[None]:
    """Run ``work(*args)`` in ``count - 1`` further processes while the caller does it here.

    Where somebody else has started the processes (torchrun, a cluster), nothing is started. The
    caller's program must be importable without side effects, as for any spawned process.

    Args:
        count: Processes, this one included.
        work: What each does, an importable function.
        *args: Its arguments; they must be picklable.

    Raises:
        DataError: Another process failed; the message is its own.
    """
    if count == 1 or RANK_KEY in os.environ:
        yield
        return
    spawn = multiprocessing.get_context('spawn')
    reasons = spawn.SimpleQueue()
    shared = _meeting_place(count)
    children = [
        spawn.Process(
            target=_join, args=(shared | {RANK_KEY: str(number)}, reasons, work, args), daemon=True
        )
        for number in range(1, count)
    ]
    for child in children:
        child.start()
    before = {key: os.environ.get(key) for key in (*shared, RANK_KEY)}
    os.environ.update(shared | {RANK_KEY: '0'})
    try:
        with warnings.catch_warnings():
            _ignore_layouts()
            yield
    except RuntimeError as err:  # mostly that the connection to a process that failed is gone
        reason = _first_failure(children, reasons)
        if reason is None:
            raise
        raise DataError(reason, hint='all processes have stopped') from err
    finally:
        _restore(before)
        if _together():
            distributed.destroy_process_group()
        _end(children)


def _together() -> bool:
    return distributed.is_available() and distributed.is_initialized()


def _meeting_place(count: int) -> dict[str, str]:
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    return {
        'MASTER_ADDR': '127.0.0.1',
        'MASTER_PORT': str(port),
        'NODE_RANK': '0',
        'WORLD_SIZE': str(count),
    }


def _join(
    environment: dict[str, str],
    reasons: multiprocessing.SimpleQueue[str],
    work: Callable[..., object],
    args: tuple[object, ...],
) -> None:
    os.environ.update(environment)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    for name in ('xspec_ros', 'lightning_fabric'):  # the first process tells enough
        logging.getLogger(name).setLevel(logging.ERROR)
    _ignore_layouts()
    try:
        work(*args)
    except XspecError as err:
        reasons.put(str(err))
        sys.exit(1)
    except RuntimeError as err:  # mostly that the connection to a process that failed is gone
        reasons.put(f'{type(err).__name__}: {err}')
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)


def _first_failure(
    children: list[SpawnProcess], reasons: multiprocessing.SimpleQueue[str]
) -> str | None:
    """Return why a child has ended of its own, or None."""
    ended = wait([child.sentinel for child in children], FAILING_S)
    for number, child in enumerate(children, 1):
        if child.sentinel in ended:
            child.join(GRACE_S)  # its files are closed a moment before its exit code is known
        if child.exitcode:
            told = 'ended by itself' if reasons.empty() else f'failed: {reasons.get()}'
            return f'process {number} of the run {told} (exit code {child.exitcode})'
    return None


def _ignore_layouts() -> None:
    """Keep quiet of kernels of one pixel, whose layout has two equal names."""
    warnings.filterwarnings('ignore', message='Grad strides do not match bucket view strides')


def _end_with_parent() -> None:
    """End this process when its parent is gone: it may be waiting for it in a library."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _end(children: list[SpawnProcess]) -> None:
    for child in children:
        child.join(GRACE_S)
        if child.is_alive():
            child.terminate()
            child.join()


def _restore(before: Mapping[str, str | None]) -> None:
    for key, value in before.items():
        if value is None:
            os.environ.pop(key, None)
        else:
            os.environ[key] = value
