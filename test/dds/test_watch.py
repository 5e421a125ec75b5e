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

"""What a live user is told about a camera, each thing once."""

from xspec_ros.core.health import CameraWatch, RateMeter
from xspec_ros.dds.watch import InputWatch

SECOND = 1_000_000_000


def test_silence_and_return_are_told_once_each():
    cameras = CameraWatch(stale_after_s=1.0)
    watch = InputWatch('rgb', '/rgb/image_raw', cameras=cameras, rate=RateMeter())
    assert watch.check(0, None) == []
    watch.add(100)
    cameras.heard('rgb', SECOND)
    assert watch.check(2 * SECOND, None) == []
    dead = watch.check(2 * SECOND + 1, None)
    assert [(notice.kind, notice.level) for notice in dead] == [('dead', 'error')]
    assert 'rgb camera is dead: /rgb/image_raw' in dead[0].text
    assert watch.check(3 * SECOND, None) == []
    cameras.heard('rgb', 4 * SECOND)
    assert [notice.kind for notice in watch.check(4 * SECOND, None)] == ['back']


def test_loss_names_the_receive_buffer_where_it_is_small():
    cameras, rate = CameraWatch(stale_after_s=60.0), RateMeter()
    watch = InputWatch('thermal', '/thermal/image_raw', cameras=cameras, rate=rate)
    cameras.heard('thermal', SECOND)
    for index in range(200):
        if index % 3 != 2:
            watch.add(614_400)
            rate.add(SECOND + index * 33_333_333)
    small = watch.check(SECOND, 212_992)
    assert [notice.kind for notice in small] == ['loss']
    assert '33%' in small[0].text
    assert 'sysctl -w net.core.rmem_max' in small[0].text
    assert watch.check(2 * SECOND - 1, 212_992) == []
    assert 'camera skips them' in watch.check(12 * SECOND, 8 * 2**20)[0].text
