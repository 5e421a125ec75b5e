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

"""A bus of its own for every test process, kept on the loopback interface."""

import os

import pytest

LOOPBACK = (
    '<CycloneDDS><Domain><General><Interfaces><NetworkInterface name="lo"/></Interfaces>'
    '</General></Domain></CycloneDDS>'
)
DOMAIN = 1 + os.getpid() % 100


@pytest.fixture(autouse=True)
def _loopback(monkeypatch):
    for name in list(os.environ):
        if name.startswith(('ROS_', 'RMW_')):
            monkeypatch.delenv(name)
    monkeypatch.setenv('CYCLONEDDS_URI', LOOPBACK)
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')


@pytest.fixture
def domain():
    """Domain of this test process."""
    return DOMAIN


@pytest.fixture
def bus(domain):
    """One participant of the domain."""
    participant = pytest.importorskip('xspec_ros.dds.participant')
    with participant.Bus(domain) as opened:
        yield opened


@pytest.fixture
def peer(domain):
    """Another participant of the domain."""
    participant = pytest.importorskip('xspec_ros.dds.participant')
    with participant.Bus(domain) as opened:
        yield opened
