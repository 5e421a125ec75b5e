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

"""Raw or compressed is decided by the settings, else by what is published."""

from __future__ import annotations

import pytest

from xspec_ros.messages.topics import COMPRESSED_TYPE, IMAGE_TYPE, LABEL_INFO_TYPE
from xspec_ros.perception.settings import InputSettings
from xspec_ros.perception.transport import (
    accepted_types,
    compressed_alternative,
    first_subscription,
    Publication,
)

RAW = Publication('/cam', IMAGE_TYPE)
SUFFIXED = '/cam/compressed'
PACKED = Publication('/cam/compressed', COMPRESSED_TYPE)
ODD = Publication('/cam', COMPRESSED_TYPE)


@pytest.mark.parametrize(
    ('topic', 'transport', 'expected', 'accepted'),
    [
        ('/cam', 'auto', ('/cam', IMAGE_TYPE), (IMAGE_TYPE, COMPRESSED_TYPE)),
        ('/cam', 'raw', ('/cam', IMAGE_TYPE), (IMAGE_TYPE,)),
        ('/cam', 'compressed', ('/cam/compressed', COMPRESSED_TYPE), (COMPRESSED_TYPE,)),
        (SUFFIXED, 'auto', (SUFFIXED, COMPRESSED_TYPE), (COMPRESSED_TYPE,)),
        (SUFFIXED, 'compressed', (SUFFIXED, COMPRESSED_TYPE), (COMPRESSED_TYPE,)),
        (SUFFIXED, 'raw', (SUFFIXED, IMAGE_TYPE), (IMAGE_TYPE,)),
    ],
)
def test_first_topic_and_type(
    topic: str, transport: str, expected: tuple[str, str], accepted: tuple[str, ...]
) -> None:
    settings = InputSettings(topic=topic, transport=transport)
    assert first_subscription(settings) == expected
    assert accepted_types(settings) == accepted


@pytest.mark.parametrize(
    ('publications', 'topic'),
    [
        ([], None),
        ([PACKED], '/cam/compressed'),
        ([ODD], '/cam'),
        ([PACKED, ODD], '/cam/compressed'),
        ([RAW, PACKED], None),
        ([Publication('/cam/compressed', LABEL_INFO_TYPE)], None),
    ],
)
def test_compressed_is_added_only_where_raw_is_not_published(
    publications: list[Publication], topic: str | None
) -> None:
    assert compressed_alternative(InputSettings(topic='/cam'), publications) == topic


def test_a_transport_that_is_chosen_stays() -> None:
    assert compressed_alternative(InputSettings(topic='/cam', transport='raw'), [PACKED]) is None
