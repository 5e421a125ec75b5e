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

from __future__ import annotations

from xspec_ros.bag.pairing import Arrival, unpaired_arrivals
from xspec_ros.core.sync import SyncSettings

MS = 1_000_000


def test_frames_without_partner_are_named_with_log_time_and_cause():
    arrivals = []
    for index in range(20):
        stamp = (1000 + 100 * index) * MS
        arrivals.append(Arrival('thermal', stamp, stamp + 5))
        if index != 10:
            arrivals.append(Arrival('rgb', stamp + 3 * MS, stamp + 7))
    ((alone, cause),) = unpaired_arrivals(arrivals, SyncSettings(slop_ms=20))
    assert alone.stamp_ns == 2000 * MS
    assert alone.log_ns == alone.stamp_ns + 5
    assert cause


def test_paired_streams_leave_nobody_alone():
    stamps = [(1000 + 100 * index) * MS for index in range(10)]
    arrivals = [
        Arrival(modality, stamp, stamp) for stamp in stamps for modality in ('rgb', 'thermal')
    ]
    assert unpaired_arrivals(arrivals, SyncSettings()) == []
