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
