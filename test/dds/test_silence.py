"""When nothing arrives, the likeliest cause is named."""

from dataclasses import dataclass

import pytest

pytest.importorskip('cyclonedds')

from xspec_ros.dds.participant import Endpoint
from xspec_ros.dds.silence import explain_silence
from xspec_ros.messages.topics import IMAGE_TYPE, LABEL_INFO_TYPE, THERMAL


@dataclass
class QuietReader:
    topic: str = THERMAL
    policy: str = ''

    def incompatible(self) -> str:
        return self.policy


def writer(topic=THERMAL, type_name=IMAGE_TYPE, *, own=False):
    return Endpoint(
        topic=topic,
        type_name=type_name,
        reliable=True,
        transient_local=False,
        type_hash='',
        own=own,
    )


@pytest.mark.parametrize(
    ('publications', 'policy', 'granted', 'kind', 'said'),
    [
        ([], '', None, 'no_publisher', 'another domain (this is 5'),
        ([writer(own=True)], '', None, 'no_publisher', 'nobody publishes anything here'),
        ([writer('/boson/image')], '', None, 'no_publisher', '/boson/image'),
        ([writer('/x', LABEL_INFO_TYPE)], '', None, 'no_publisher', 'nor any other image'),
        ([writer(type_name=LABEL_INFO_TYPE)], '', None, 'type', LABEL_INFO_TYPE),
        ([writer()], 'deadline', None, 'qos', 'deadline'),
        ([writer()], '', None, 'quiet', 'camera not started'),
        ([writer()], '', 212_992, 'quiet', 'sysctl'),
    ],
)
def test_cause_is_named(publications, policy, granted, kind, said):
    notice = explain_silence(
        'thermal',
        [QuietReader(policy=policy)],
        publications,
        domain=5,
        environ={},
        granted=granted,
    )
    assert notice.kind == kind
    assert said in notice.text
    assert THERMAL in notice.text
