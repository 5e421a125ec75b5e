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

"""Quality of service by name, every policy explicit: the binding's defaults are not ROS's."""

from __future__ import annotations

from dataclasses import dataclass

from cyclonedds.qos import Policy, Qos
from cyclonedds.util import duration

from xspec_ros.messages.typestore import type_hash

UNLIMITED = -1
POLICY_NAMES = {
    2: 'durability',
    3: 'presentation',
    4: 'deadline',
    5: 'latency budget',
    6: 'ownership',
    8: 'liveliness',
    10: 'partition',
    11: 'reliability',
    12: 'destination order',
    23: 'data representation',
    24: 'type consistency: same name, other fields',
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The policies in which ROS users differ.

    Attributes:
        reliable: Reliable, else best effort.
        transient_local: Late joiners get the last messages, else volatile.
        depth: Messages kept.
        blocking_ms: Longest a write waits for a slow reliable reader.
    """

    reliable: bool = True
    transient_local: bool = False
    depth: int = 10
    blocking_ms: float = 20.0


SENSOR = Profile(reliable=False, depth=5)
RESULT = Profile(depth=5)
LIST = Profile(depth=10)
LATCHED = Profile(transient_local=True, depth=1)
OVERLAY = Profile(depth=1)
PLAYED = Profile(depth=10, blocking_ms=500.0)


def reader_qos(profile: Profile, type_name: str) -> Qos:
    """Return the policies of a reader.

    Args:
        profile: What to ask for.
        type_name: ROS type; its hash is announced as ROS 2 Iron and later do.
    """
    return Qos(*_shared(profile, type_name))


def writer_qos(profile: Profile, type_name: str) -> Qos:
    """Return the policies of a writer; see ``reader_qos``."""
    policies = [*_shared(profile, type_name), Policy.WriterDataLifecycle(autodispose=False)]
    if profile.transient_local:
        service = Policy.DurabilityService(
            cleanup_delay=0,
            history=Policy.History.KeepLast(profile.depth),
            max_samples=UNLIMITED,
            max_instances=UNLIMITED,
            max_samples_per_instance=UNLIMITED,
        )
        policies.append(service)
    return Qos(*policies)


def participant_qos() -> Qos:
    """Return the policies of a participant, with the security enclave ROS tools look for."""
    return Qos(Policy.Userdata(b'enclave=/;'))


def _shared(profile: Profile, type_name: str) -> list[object]:
    blocking = duration(microseconds=profile.blocking_ms * 1000)
    return [
        Policy.Reliability.Reliable(max_blocking_time=blocking)
        if profile.reliable
        else Policy.Reliability.BestEffort,
        Policy.Durability.TransientLocal
        if profile.transient_local
        else Policy.Durability.Volatile,
        Policy.History.KeepLast(profile.depth),
        Policy.Deadline(duration(infinite=True)),
        Policy.Liveliness.Automatic(duration(infinite=True)),
        Policy.Ownership.Shared,
        Policy.DataRepresentation(use_cdrv0_representation=True),
        Policy.Userdata(f'typehash={type_hash(type_name)};'.encode()),
    ]
