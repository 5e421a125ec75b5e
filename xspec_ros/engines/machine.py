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

"""What the machine is that engines run on."""

from __future__ import annotations

from pathlib import Path

FAST_INT8 = ('avx512_vnni', 'avx_vnni', 'amx_int8', 'asimddp')


def has_nvidia() -> bool:
    """Whether an NVIDIA driver is loaded (desktop, server or Jetson)."""
    places = ('/proc/driver/nvidia/version', '/dev/nvidia0', '/dev/nvhost-gpu', '/dev/dxg')
    return any(Path(place).exists() for place in places)


def fast_int8() -> bool:
    """Whether the CPU multiplies int8 exactly and fast (VNNI, AMX, Arm dot product).

    Older x86 CPUs saturate between two products, so their int8 is neither fast nor what was
    verified elsewhere.
    """
    try:
        text = Path('/proc/cpuinfo').read_text(encoding='ascii', errors='ignore')
    except OSError:
        return False
    return any(flag in text for flag in FAST_INT8)
