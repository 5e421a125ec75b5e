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
