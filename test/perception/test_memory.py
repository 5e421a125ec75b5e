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

"""Memory goes back to the system where the C library can be told so."""

from __future__ import annotations

import subprocess
import sys

import pytest

GROW_AND_FREE = """
import ctypes, sys
from xspec_ros.perception.memory import settle_memory
if sys.argv[1] == 'settled':
    assert settle_memory()
class Figures(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in
                ('arena', 'ordblks', 'smblks', 'hblks', 'hblkhd', 'usmblks', 'fsmblks',
                 'uordblks', 'fordblks', 'keepcost')]
libc = ctypes.CDLL(None)
libc.mallinfo2.restype = Figures
libc.malloc.restype = ctypes.c_void_p
libc.free.argtypes = [ctypes.c_void_p]
libc.free(libc.malloc(ctypes.c_size_t(24 << 20)))  # raises the threshold where it may
blocks = [libc.malloc(ctypes.c_size_t(8 << 20)) for _ in range(4)]
for block in blocks:
    libc.free(block)
print(libc.mallinfo2().fordblks)
"""


def kept_bytes(how: str) -> int:
    done = subprocess.run(
        [sys.executable, '-c', GROW_AND_FREE, how], capture_output=True, text=True, check=False
    )
    if 'mallinfo2' in done.stderr or 'mallopt' in done.stderr:
        pytest.skip('the C library is not glibc 2.33 or later')
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != 'linux', reason='glibc')
def test_large_buffers_that_are_freed_are_not_kept() -> None:
    if kept_bytes('plain') < 24 << 20:
        pytest.skip('this C library returns them by itself')
    assert kept_bytes('settled') < 8 << 20
