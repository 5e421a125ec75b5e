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

"""Speed of synthetic drives, and the picture of them that the README shows.

python -m benchmarks.synth
python -m benchmarks.synth --picture docs/images/synthetic_pair.png
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
import time
from typing import Any, TYPE_CHECKING

import cv2
import numpy as np

from xspec_ros.core.labels import DEFAULT_CLASSES, palette
from xspec_ros.synth import drive, DriveFrame, DriveSettings

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SCENES = ((3, False), (2, True))


def measure(frames: int, worlds: int) -> dict[str, float]:
    """Time drives and short scenes.

    Args:
        frames: Frames of each drive, world set-up left out.
        worlds: Worlds whose first two frames are timed, set-up included.

    Returns:
        Pairs a second (wall clock), processor milliseconds a pair and a short scene.
    """
    next(drive(DriveSettings(frames=1)))
    wall = cpu = 0.0
    count = 0
    for seed in range(4):
        stream = drive(DriveSettings(frames=frames, seed=seed, night=bool(seed % 2)))
        next(stream)
        begin = (time.perf_counter(), time.process_time())
        count += sum(1 for _ in stream)
        wall += time.perf_counter() - begin[0]
        cpu += time.process_time() - begin[1]
    begin = (time.perf_counter(), time.process_time())
    for seed in range(100, 100 + worlds):
        list(drive(DriveSettings(frames=2, seed=seed, rate_hz=0.2, night=bool(seed % 2))))
    scene = (time.perf_counter() - begin[0]) / worlds
    return {
        'pairs_per_s': round(count / wall, 1),
        'cpu_ms_per_pair': round(1000.0 * cpu / count, 1),
        'two_frame_scene_ms': round(1000.0 * scene, 1),
        'two_frame_scene_cpu_ms': round(1000.0 * (time.process_time() - begin[1]) / worlds, 1),
    }


def contact_sheet() -> NDArray[Any]:
    """Return (H, W, 3) uint8: RGB, thermal and truth side by side, day above night."""
    rows = []
    for seed, night in _SCENES:
        settings = DriveSettings(
            frames=1, seed=seed, night=night, size_wh=(640, 480), shutter_every_s=0.0
        )
        rows.append(_row(next(drive(settings))))
    return np.concatenate(rows, axis=0)


def _row(frame: DriveFrame) -> NDArray[Any]:
    thermal = np.asarray(frame.thermal, np.float32)
    low, high = np.percentile(thermal, (1.0, 99.5)).tolist()
    gray = (np.clip((thermal - low) / (high - low), 0.0, 1.0) * 255.0).astype(np.uint8)
    truth = palette(DEFAULT_CLASSES)[frame.label_map]
    for left, top, right, bottom in frame.boxes_thermal.boxes_xyxy.astype(int).tolist():
        cv2.rectangle(truth, (left, top), (right - 1, bottom - 1), (255, 255, 255), 1)
    tiles = [np.asarray(frame.rgb), cv2.cvtColor(gray, cv2.COLOR_GRAY2RGB), truth]
    small = [cv2.resize(tile, (296, 222), interpolation=cv2.INTER_AREA) for tile in tiles]
    return np.concatenate(small, axis=1)


def main() -> None:
    """Run the benchmark, or write the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--picture', type=Path, help='write the contact sheet there, no timing')
    parser.add_argument('--frames', type=int, default=60, help='frames a drive')
    parser.add_argument('--worlds', type=int, default=10, help='short scenes')
    given = parser.parse_args()
    if given.picture is not None:
        given.picture.parent.mkdir(parents=True, exist_ok=True)
        sheet = cv2.cvtColor(contact_sheet(), cv2.COLOR_RGB2BGR)
        cv2.imwrite(str(given.picture), sheet, [cv2.IMWRITE_PNG_COMPRESSION, 9])
        return
    print(json.dumps(measure(given.frames, given.worlds)))


if __name__ == '__main__':
    main()
