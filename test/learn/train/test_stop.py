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

import os
import signal
import time

import pytest

from xspec_ros.learn.train.stop import StopRequest


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_only_asks_and_the_second_interrupts(number):
    before = signal.getsignal(number)
    with StopRequest() as stop:
        assert not stop.asked
        os.kill(os.getpid(), number)
        assert stop.asked
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
    assert signal.getsignal(number) is before


def test_a_deadline_asks_for_the_end():
    assert not StopRequest(deadline_s=time.monotonic() + 1000.0).asked
    stop = StopRequest(deadline_s=time.monotonic())
    assert stop.asked
    assert stop.reason == 'time'


def test_a_signal_after_the_deadline_is_only_the_first():
    with StopRequest(deadline_s=0.0) as stop:
        assert stop.asked
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.reason == 'signal'
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
