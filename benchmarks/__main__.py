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

"""Run every benchmark that needs nothing but this checkout, one after the other."""

from __future__ import annotations

import subprocess
import sys

NAMES = ('sync', 'synth', 'live')


def main() -> int:
    """Run the benchmarks; return 1 when one of them failed."""
    failed = []
    for name in NAMES:
        sys.stdout.write(f'\n## {name}\n\n')
        sys.stdout.flush()
        done = subprocess.run([sys.executable, '-m', f'benchmarks.{name}'], check=False)
        if done.returncode:
            failed.append(name)
    if failed:
        sys.stderr.write(f'failed: {", ".join(failed)}\n')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
