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

"""Quality of service by name: what the node asks for and what it offers."""

from __future__ import annotations

from copy import copy

from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions


def profile(*, depth: int, reliable: bool = True, latched: bool = False) -> QoSProfile:
    """Return a keep-last profile.

    Args:
        depth: Messages kept.
        reliable: Reliable, else best effort.
        latched: Transient local: late joiners get the last messages; else volatile.
    """
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=depth,
        reliability=ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT,
        durability=DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE,
    )


SENSOR = profile(depth=5, reliable=False)  # asks for the least: matches every camera
RESULT = profile(depth=5)
LIST = profile(depth=10)
LATCHED = profile(depth=1, latched=True)
PICTURE = profile(depth=1)


def endpoint(offered: QoSProfile) -> dict[str, object]:
    """Return the keywords that give a publisher or subscription a profile users can override.

    ``qos_overrides`` parameters may change depth and reliability. rclpy writes what they say into
    the profile that it is given, so every endpoint gets a copy.

    Args:
        offered: One of the profiles above.
    """
    return {
        'qos_profile': copy(offered),
        'qos_overriding_options': QoSOverridingOptions.with_default_policies(),
    }
