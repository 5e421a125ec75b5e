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

"""One participant on a DDS domain: readers, writers and a view of who else is there."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
import os
from threading import Lock
from typing import Any, TYPE_CHECKING

from cyclonedds.builtin import (
    BuiltinDataReader,
    BuiltinTopicDcpsPublication,
    BuiltinTopicDcpsSubscription,
)
from cyclonedds.core import (
    DDSException,
    GuardCondition,
    InstanceState,
    ReadCondition,
    SampleState,
    ViewState,
    WaitSet,
)
from cyclonedds.domain import DomainParticipant
from cyclonedds.pub import DataWriter
from cyclonedds.qos import Policy
from cyclonedds.sub import DataReader
from cyclonedds.topic import Topic

from xspec_ros.dds.environment import choose_domain, cyclone_uri, refuse_security
from xspec_ros.dds.idl import idl_type, ros_type_name, wrap
from xspec_ros.dds.qos import participant_qos, POLICY_NAMES, Profile, reader_qos, writer_qos
from xspec_ros.errors import ConfigError, MessageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cyclonedds.builtin_types import DcpsEndpoint

TOPIC_PREFIX = 'rt'
MAX_ENDPOINTS = 10_000
TAKE_AT_ONCE = 32
ANY_SAMPLE = SampleState.Any | ViewState.Any | InstanceState.Any
_environment_lock = Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A reader or writer somewhere on the bus.

    Attributes:
        topic: ROS topic name.
        type_name: ROS type name; the DDS name where it is no ROS type.
        reliable: Offered or requested reliability.
        transient_local: Offered or requested durability.
        type_hash: ``RIHS01_…`` as announced, empty where it is not.
        own: Whether it belongs to this participant.
    """

    topic: str
    type_name: str
    reliable: bool
    transient_local: bool
    type_hash: str
    own: bool


class Reader:
    """Takes messages of one topic as CDR bytes."""

    def __init__(self, entity: DataReader[Any], topic: str, type_name: str) -> None:
        self.topic = topic
        self.type_name = type_name
        self._entity: Any = entity

    def take(self) -> list[bytes]:
        """Return what has arrived, oldest first; never waits."""
        samples = self._entity.take(TAKE_AT_ONCE)
        return [sample.cdr for sample in samples if sample.sample_info.valid_data]

    def matched(self) -> int:
        """Return the number of writers that this reader gets messages from."""
        return int(self._entity.get_subscription_matched_status().current_count)

    def incompatible(self) -> str:
        """Return the policy that keeps a writer away, empty where none does."""
        status = self._entity.get_requested_incompatible_qos_status()
        return _policy(status.last_policy_id) if status.total_count else ''


class Writer:
    """Writes CDR bytes to one topic."""

    def __init__(self, entity: DataWriter[Any], topic: str, type_name: str) -> None:
        self.topic = topic
        self.type_name = type_name
        self._entity: Any = entity
        self._kind = idl_type(type_name)

    def write(self, cdr: bytes) -> bool:
        """Write one message.

        Args:
            cdr: The message, encapsulation header included.

        Returns:
            False when a slow reader let the time run out and the message was not written.

        Raises:
            MessageError: The bytes are no message of this type.
        """
        try:
            self._entity.write(wrap(self._kind, cdr))
        except DDSException as err:
            if err.code == DDSException.DDS_RETCODE_TIMEOUT:
                return False
            message = f'{self.topic}: cannot write {len(cdr)} bytes as {self.type_name}: {err.msg}'
            raise MessageError(
                message, reason='cdr', hint='damaged message or wrong type'
            ) from err
        return True

    def matched(self) -> int:
        """Return the number of readers that get messages from this writer."""
        return int(self._entity.get_publication_matched_status().current_count)

    def incompatible(self) -> str:
        """Return the policy that keeps a reader away, empty where none does."""
        status = self._entity.get_offered_incompatible_qos_status()
        return _policy(status.last_policy_id) if status.total_count else ''

    def wait_acknowledged(self, timeout_s: float) -> bool:
        """Wait until every reliable reader has everything; False on timeout."""
        try:
            return bool(self._entity.wait_for_acks(int(timeout_s * 1e9)))
        except DDSException as err:
            if err.code == DDSException.DDS_RETCODE_TIMEOUT:
                return False
            raise


class Bus:
    """A participant; use it as a context manager.

    Args:
        domain: DDS domain; None to follow ``ROS_DOMAIN_ID``.

    Raises:
        ConfigError: The domain or the DDS configuration cannot be used, or the graph is secured.
    """

    def __init__(self, domain: int | None = None) -> None:
        refuse_security(os.environ)
        self.domain = choose_domain(domain, os.environ)
        with _configured():
            try:
                self._participant: Any = DomainParticipant(self.domain, qos=participant_qos())
            except DDSException as err:
                message = f'cannot join DDS domain {self.domain}: {err.msg}'
                hint = 'check CYCLONEDDS_URI, the network interfaces and the domain'
                raise ConfigError(message, hint=hint) from err
        self._waitset = WaitSet(self._participant)
        self._wake = GuardCondition(self._participant)
        self._waitset.attach(self._wake)
        self._topics: dict[tuple[str, str], Topic[Any]] = {}
        self._conditions: list[ReadCondition] = []
        self._publications = BuiltinDataReader(self._participant, BuiltinTopicDcpsPublication)
        self._subscriptions = BuiltinDataReader(self._participant, BuiltinTopicDcpsSubscription)

    def __enter__(self) -> Bus:
        """Return the bus itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the domain."""
        self.close()

    def reader(self, topic: str, type_name: str, profile: Profile) -> Reader:
        """Subscribe to a ROS topic.

        Args:
            topic: ROS topic name with a leading slash.
            type_name: ROS type name.
            profile: Quality of service to request.
        """
        qos = reader_qos(profile, type_name)
        entity: DataReader[Any] = DataReader(self._participant, self._topic(topic, type_name), qos)
        condition = ReadCondition(entity, ANY_SAMPLE)
        self._waitset.attach(condition)
        self._conditions.append(condition)
        return Reader(entity, topic, type_name)

    def writer(self, topic: str, type_name: str, profile: Profile) -> Writer:
        """Announce a ROS topic; arguments as for ``reader``."""
        qos = writer_qos(profile, type_name)
        entity: DataWriter[Any] = DataWriter(self._participant, self._topic(topic, type_name), qos)
        return Writer(entity, topic, type_name)

    def wait(self, timeout_s: float) -> bool:
        """Wait until a reader has messages or ``wake`` is called; False on timeout."""
        triggered = self._waitset.wait(max(int(timeout_s * 1e9), 0)) > 0
        if triggered:
            self._wake.take()
        return triggered

    def wake(self) -> None:
        """End the current or next ``wait``, from any thread."""
        self._wake.set(True)

    def publications(self) -> list[Endpoint]:
        """Return every writer in sight, this participant's included."""
        return self._endpoints(self._publications)

    def subscriptions(self) -> list[Endpoint]:
        """Return every reader in sight, this participant's included."""
        return self._endpoints(self._subscriptions)

    def close(self) -> None:
        """Leave the domain; readers and writers made here are of no use afterwards."""
        if self._participant is not None:
            self._conditions.clear()
            self._topics.clear()
            # Deleting the participant deletes all that hangs on it, whoever still refers to it.
            self._participant.__del__()
            self._participant = None

    def _topic(self, topic: str, type_name: str) -> Topic[Any]:
        key = (topic, type_name)
        if key not in self._topics:
            name = TOPIC_PREFIX + (topic if topic.startswith('/') else f'/{topic}')
            kind: Any = idl_type(type_name)
            self._topics[key] = Topic(self._participant, name, kind)
        return self._topics[key]

    def _endpoints(self, reader: BuiltinDataReader) -> list[Endpoint]:
        own = self._participant.guid
        found = []
        for sample in reader.read(MAX_ENDPOINTS):
            info = sample.sample_info
            if info.instance_state != InstanceState.Alive or not info.valid_data:
                continue
            prefix, _, name = sample.topic_name.partition('/')
            if prefix == TOPIC_PREFIX:
                found.append(_endpoint(sample, f'/{name}', own=sample.participant_key == own))
        return found


def _endpoint(sample: DcpsEndpoint, topic: str, *, own: bool) -> Endpoint:
    userdata = sample.qos[Policy.Userdata]
    text = userdata.data.decode(errors='replace') if userdata else ''
    _, _, hash_text = text.partition('typehash=')
    reliability = sample.qos[Policy.Reliability]
    return Endpoint(
        topic=topic,
        type_name=ros_type_name(sample.type_name),
        reliable=isinstance(reliability, Policy.Reliability.Reliable),
        transient_local=sample.qos[Policy.Durability] == Policy.Durability.TransientLocal,
        type_hash=hash_text.partition(';')[0],
        own=own,
    )


def _policy(policy_id: int) -> str:
    return POLICY_NAMES.get(policy_id, f'policy {policy_id}')


@contextmanager
def _configured() -> Iterator[None]:
    """Hand the merged configuration to the C layer, which reads the environment only."""
    with _environment_lock:
        before = os.environ.get('CYCLONEDDS_URI')
        os.environ['CYCLONEDDS_URI'] = cyclone_uri(os.environ)
        try:
            yield
        finally:
            if before is None:
                del os.environ['CYCLONEDDS_URI']
            else:
                os.environ['CYCLONEDDS_URI'] = before
