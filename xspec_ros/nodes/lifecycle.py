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

"""What rclpy's lifecycle leaves open: reasons of failed transitions, and bad transitions."""

from __future__ import annotations

from functools import wraps
import traceback
from typing import Any, Protocol, TYPE_CHECKING, TypeVar

from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.lifecycle import TransitionCallbackReturn

from xspec_ros.errors import XspecError
from xspec_ros.messages.diagnostics import ERROR, OK, Status

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import RLock

    from rclpy.lifecycle import LifecycleNode, LifecycleState

    from xspec_ros.perception.notices import Notice

RCLError = rclpy_implementation.RCLError


class Changing(Protocol):
    """What a node has whose transitions are guarded; it is a lifecycle node besides.

    Attributes:
        changing: Held while it changes.
        fault: Why the last transition failed; empty after one that did not.
    """

    changing: RLock
    fault: str

    def get_logger(self) -> Any:  # noqa: ANN401 - rclpy's logger is untyped
        """Return the node's logger."""


N = TypeVar('N', bound=Changing)


def guarded(
    work: Callable[[N, LifecycleState], TransitionCallbackReturn],
) -> Callable[[N, LifecycleState], TransitionCallbackReturn]:
    """Log what a transition raises, which rclpy swallows, and fail the transition.

    Args:
        work: One of the ``on_`` methods of a lifecycle node.
    """
    name = work.__name__.removeprefix('on_')

    @wraps(work)
    def transition(node: N, state: LifecycleState) -> TransitionCallbackReturn:
        with node.changing:
            try:
                result = work(node, state)
            except XspecError as error:
                node.fault = f'{name} refused: {error}'
                node.get_logger().error(node.fault)
                return TransitionCallbackReturn.FAILURE
            except Exception as error:
                node.fault = f'{name} failed: {type(error).__name__}: {error}'
                node.get_logger().error(f'{node.fault}\n{traceback.format_exc()}')
                return TransitionCallbackReturn.ERROR
        node.fault = ''
        return result

    return transition


def lifecycle_status(node: LifecycleNode, *, active: bool) -> Status:
    """Return whether a node works and, if not, what kept it from it, for ``/diagnostics``.

    Args:
        node: A lifecycle node with a ``fault``.
        active: It is active.
    """
    full_name = node.get_fully_qualified_name()
    message = 'active' if active else 'not active'
    if node.fault:
        message = f'{node.fault}; then: ros2 lifecycle set {full_name} configure'
    return Status(
        level=ERROR if node.fault else OK,
        name=f'{full_name.removeprefix("/")}: lifecycle',
        message=message,
    )


def tell(node: Changing, notice: Notice) -> None:
    """Log a notice; rclpy wants one line of code for each severity."""
    if notice.level == 'error':
        node.get_logger().error(notice.text)
    elif notice.level == 'warning':
        node.get_logger().warning(notice.text)
    else:
        node.get_logger().info(notice.text)


def refuse_bad_transitions(node: LifecycleNode) -> None:
    """Answer an impossible transition with false; rclpy up to Jazzy lets it end the process.

    ros2/rclpy#1209; later versions do the same themselves.

    Args:
        node: A lifecycle node with its services.
    """
    service = node._service_change_state  # rclpy offers no other way in
    change = service.callback

    def refuse(request: Any, response: Any) -> Any:  # noqa: ANN401 - rclpy's untyped messages
        try:
            return change(request, response)
        except RCLError as error:
            what = request.transition.label or f'number {request.transition.id}'
            reason = str(error).splitlines()[0].partition(', at ')[0]  # rcl adds its source line
            node.get_logger().error(f'transition {what} is not possible now: {reason}')
            response.success = False
            return response

    service.callback = refuse
