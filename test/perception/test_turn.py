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

"""Turned cameras: the model sees the scene upright, results lie on the picture as received."""

from __future__ import annotations

from time import perf_counter_ns
from typing import TYPE_CHECKING

import numpy as np
import pytest

pytest.importorskip('onnxruntime')

from xspec_ros.core.geometry import rotate_boxes, rotate_image
from xspec_ros.messages.image import encode_image
from xspec_ros.messages.topics import IMAGE_TYPE
from xspec_ros.perception.pipeline import Answer, open_pipeline
from xspec_ros.perception.settings import Settings, ThermalInput

if TYPE_CHECKING:
    from pathlib import Path

SCENE = np.random.default_rng(5).integers(7000, 9000, (96, 128), np.uint16)


def answer(model: Path, image: np.ndarray, rotate_deg: int) -> Answer:
    settings = Settings(
        model=str(model),
        engine='onnxruntime',
        threads=1,
        thermal=ThermalInput(rotate_deg=rotate_deg),
    )
    pipeline = open_pipeline(settings)
    cdr = encode_image(image, stamp_ns=1, frame_id='t', encoding='mono16')
    [work] = pipeline.accept('thermal', IMAGE_TYPE, cdr, received_ns=perf_counter_ns())
    found = pipeline.run(work)
    pipeline.close()
    return found


@pytest.mark.parametrize('mounted_deg', [0, 90, 180, 270])
def test_a_turned_camera_gets_the_answer_of_the_upright_one_on_its_own_picture(
    tiny_bundle: Path, mounted_deg: int
) -> None:
    plain = answer(tiny_bundle, SCENE, 0).result
    received = rotate_image(SCENE, mounted_deg)
    turned = answer(tiny_bundle, received, (360 - mounted_deg) % 360).result
    assert turned.label_map.shape == received.shape
    np.testing.assert_array_equal(turned.label_map, rotate_image(plain.label_map, mounted_deg))
    np.testing.assert_array_equal(turned.confidence, rotate_image(plain.confidence, mounted_deg))
    np.testing.assert_allclose(
        turned.detections.boxes_xyxy,
        rotate_boxes(plain.detections.boxes_xyxy, mounted_deg, SCENE.shape),
        atol=1e-3,
    )
    assert turned.label_map.flags.c_contiguous
