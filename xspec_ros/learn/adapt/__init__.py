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

"""Adaptation of a deployed model to drives of its own: choose, train, judge, hand over."""

from __future__ import annotations

from xspec_ros.learn.adapt.drives import DriveOptions
from xspec_ros.learn.adapt.pictures import GuardChoice
from xspec_ros.learn.adapt.report import AdaptReport
from xspec_ros.learn.adapt.run import adapt, AdaptJob
from xspec_ros.learn.adapt.settings import AdaptSettings, settings_with

__all__ = [
    'AdaptJob',
    'AdaptReport',
    'AdaptSettings',
    'DriveOptions',
    'GuardChoice',
    'adapt',
    'settings_with',
]
