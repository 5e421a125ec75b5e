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

"""Run a node as a process: executor, signals, logs, and an end within two seconds."""

from __future__ import annotations

import logging
import os
import signal
import sys
from threading import Event, Thread, Timer
from typing import Protocol, TYPE_CHECKING

import rclpy
from rclpy.executors import ExternalShutdownException, MultiThreadedExecutor
from rclpy.signals import SignalHandlerOptions

from xspec_ros.errors import XspecError
from xspec_ros.nodes.lifecycle import RCLError
from xspec_ros.perception.memory import settle_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FrameType

    from rclpy.impl.rcutils_logger import RcutilsLogger

THREADS = 4  # services, cameras and timers each have one at once, and one is to spare
POLL_S = 0.05
END_WITHIN_S = 1.5  # of the 2 s that are promised: a loaded machine is late
EXIT_REFUSED = 2
LIBRARY = 'xspec_ros'


class RunningNode(Protocol):
    """What a node needs to be run here, besides being an ``rclpy`` node.

    Attributes:
        ended: Set by the node when it has done its work.
        exit_code: Exit status of the process.
    """

    ended: Event
    exit_code: int

    def close(self) -> None:
        """End the work; called once, before the node is destroyed."""

    def get_logger(self) -> RcutilsLogger:
        """Return the node's logger, as every rclpy node does."""

    def destroy_node(self) -> None:
        """Destroy the node, as every rclpy node can be."""


class LogForwarder(logging.Handler):
    """Hands the library's log records to a node's logger, so that they reach /rosout.

    Args:
        logger: The node's logger.
    """

    def __init__(self, logger: RcutilsLogger) -> None:
        super().__init__()
        self._logger = logger

    def emit(self, record: logging.LogRecord) -> None:
        """Forward one record; rclpy wants one line of code for each severity."""
        text = self.format(record)
        if record.levelno >= logging.ERROR:
            self._logger.error(text)
        elif record.levelno >= logging.WARNING:
            self._logger.warning(text)
        elif record.levelno >= logging.INFO:
            self._logger.info(text)
        else:
            self._logger.debug(text)


def run_node(make: Callable[[], RunningNode], args: Sequence[str] | None = None) -> int:
    """Run one node until it ends or SIGINT or SIGTERM asks for it.

    Args:
        make: Makes the node.
        args: Command line, None for that of the process.

    Returns:
        The exit status: the node's, or 2 when it could not be made.
    """
    settle_memory()
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stopper(stop))
    try:
        rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
    except RCLError as error:
        sys.stderr.write(f'ROS cannot start: {str(error).splitlines()[0]}\n')
        return EXIT_REFUSED
    try:
        node = make()
    except XspecError as error:
        rclpy.logging.get_logger('xspec_ros').fatal(str(error))
        rclpy.shutdown()
        return EXIT_REFUSED
    handler = forward_logs(node)
    executor = MultiThreadedExecutor(num_threads=THREADS)
    executor.add_node(node)
    spinner = Thread(target=_spin, args=(executor, stop), name='executor', daemon=True)
    spinner.start()
    while not stop.wait(POLL_S) and not node.ended.is_set():
        pass
    stop.set()
    watchdog = _end_for_sure(node)
    node.close()
    executor.shutdown()
    spinner.join()
    logging.getLogger(LIBRARY).removeHandler(handler)
    node.destroy_node()
    rclpy.shutdown()
    watchdog.cancel()  # what follows needs no ROS and may take its time
    for number in (signal.SIGINT, signal.SIGTERM):  # a second one must not spoil the exit status
        signal.signal(number, signal.SIG_IGN)
    return node.exit_code


def forward_logs(node: RunningNode) -> LogForwarder:
    """Send the library's log records to a node's logger; return the handler that does it."""
    handler = LogForwarder(node.get_logger())
    logger = logging.getLogger(LIBRARY)
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    return handler


def _stopper(stop: Event) -> Callable[[int, FrameType | None], None]:
    def take(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - signal's signature
        stop.set()

    return take


def _spin(executor: MultiThreadedExecutor, stop: Event) -> None:
    while not stop.is_set():
        _spin_until_failure(executor, stop)


def _spin_until_failure(executor: MultiThreadedExecutor, stop: Event) -> None:
    """Run callbacks; what one of them raises is logged and never ends the process."""
    try:
        executor.spin()
    except ExternalShutdownException:
        stop.set()
    except Exception as error:
        if not stop.is_set():
            logging.getLogger(__name__).exception('a callback failed: %s', error)


def _end_for_sure(node: RunningNode) -> Timer:
    """Leave the process in time, also when a thread is inside a model load and cannot be asked."""

    def leave() -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(node.exit_code)

    watchdog = Timer(END_WITHIN_S, leave)
    watchdog.daemon = True
    watchdog.start()
    return watchdog
