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

"""Registration of a rig from its own pictures."""

from __future__ import annotations

from xspec_ros.core.registration.estimate import (
    beyond_chance,
    count_steps,
    MIN_CHANCE_SIGMA,
    MIN_PAIRS,
    register,
    Registration,
)
from xspec_ros.core.registration.structure import View, view_of

__all__ = [
    'MIN_CHANCE_SIGMA',
    'MIN_PAIRS',
    'Registration',
    'View',
    'beyond_chance',
    'count_steps',
    'register',
    'view_of',
]
