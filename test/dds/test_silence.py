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
