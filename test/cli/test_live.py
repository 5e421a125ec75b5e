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

"""``xspec live`` from a user's point of view: exit codes, one JSON object, a clean end."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import typer
from typer.testing import CliRunner

pytest.importorskip('cyclonedds')
pytest.importorskip('onnxruntime')

from xspec_ros.cli import live as verb

LOOPBACK = (
    '<CycloneDDS><Domain><General><Interfaces><NetworkInterface name="lo"/></Interfaces>'
    '</General></Domain></CycloneDDS>'
)
DOMAIN = 1 + (os.getpid() + 50) % 100
RUN = (
    'import typer; from xspec_ros.cli.live import command; '
    'app = typer.Typer(); app.command()(command); app()'
)
REPLAY_KEYS = {
    'thermal', 'answered', 'pairs', 'unpaired', 'dropped', 'dropped_by', 'rejected_by',
    'detections', 'fps', 'latency_ms', 'metrics',
}  # fmt: skip


@pytest.fixture
def environ(monkeypatch):
    for name in list(os.environ):
        if name.startswith(('ROS_', 'RMW_')):
            monkeypatch.delenv(name)
    monkeypatch.setenv('CYCLONEDDS_URI', LOOPBACK)
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    return os.environ


def run(*arguments):
    app = typer.Typer()
    app.command()(verb.command)
    return CliRunner().invoke(app, [*arguments, '--json'])


@pytest.mark.parametrize(
    ('arguments', 'kind', 'said'),
    [
        (['--model', '/nowhere/model'], 'bundle', '/nowhere/model'),
        (['--set', 'slop=5'], 'config', 'slop_ms'),
        (['--mode', 'infrared'], 'config', 'infrared'),
    ],
)
def test_what_cannot_start_says_so_and_exits_2(environ, arguments, kind, said):
    result = run(*arguments)
    error = json.loads(result.stdout)['error']
    assert result.exit_code == 2
    assert error['kind'] == kind
    assert said in error['message'] + error['hint']


def test_time_that_runs_out_with_nothing_received_is_exit_2(environ, tiny_bundle):
    result = run('--model', str(tiny_bundle), '--seconds', '0.1', '--domain', str(DOMAIN))
    data = json.loads(result.stdout)
    assert result.exit_code == 2
    assert data.keys() >= REPLAY_KEYS
    assert data['error']['kind'] == 'data'


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_signal_is_a_normal_end(environ, tiny_bundle, number):
    from xspec_ros.dds.participant import Bus
    from xspec_ros.messages.topics import SEGMENTATION

    command = [sys.executable, '-c', RUN, '--model', str(tiny_bundle), '--json']
    command += ['--domain', str(DOMAIN), '--set', 'threads=1']
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(environ)
    )
    with Bus(DOMAIN) as bus:
        end = time.monotonic() + 60
        while time.monotonic() < end and process.poll() is None:
            if any(entry.topic == SEGMENTATION for entry in bus.publications() if not entry.own):
                break
            bus.wait(0.05)
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 0, err
    assert json.loads(out).keys() >= REPLAY_KEYS
    assert 'Traceback' not in err


def test_topics_keep_their_defaults_when_only_the_transport_is_set():
    settings = verb.read_settings({}, overrides=['rgb.transport=compressed'])
    assert (settings.rgb.topic, settings.rgb.transport) == ('/rgb/image_raw', 'compressed')
    assert settings.thermal.topic == '/thermal/image_raw'
