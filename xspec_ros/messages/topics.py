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

"""Names of topics and types, and the message on its way out."""

from __future__ import annotations

from dataclasses import dataclass

RGB = '/rgb/image_raw'
THERMAL = '/thermal/image_raw'
TRUTH_SEGMENTATION = '/ground_truth/segmentation'
TRUTH_DETECTIONS = '/ground_truth/detections'
TRUTH_RGB_DETECTIONS = '/ground_truth/rgb_detections'
PREFIX = '/perception/'  # the node's private names, as they are without ROS
SEGMENTATION = '/perception/segmentation'
CONFIDENCE = '/perception/confidence'
LABEL_INFO = '/perception/label_info'
DETECTIONS = '/perception/detections'
ANNOTATIONS = '/perception/annotations'
OVERLAY = '/perception/overlay'
DIAGNOSTICS = '/diagnostics'

IMAGE_TYPE = 'sensor_msgs/msg/Image'
COMPRESSED_TYPE = 'sensor_msgs/msg/CompressedImage'
CAMERA_INFO_TYPE = 'sensor_msgs/msg/CameraInfo'
DETECTIONS_TYPE = 'vision_msgs/msg/Detection2DArray'
DETECTION_ARRAY_TYPE = DETECTIONS_TYPE
LABEL_INFO_TYPE = 'vision_msgs/msg/LabelInfo'
ANNOTATIONS_TYPE = 'foxglove_msgs/msg/ImageAnnotations'
DIAGNOSTICS_TYPE = 'diagnostic_msgs/msg/DiagnosticArray'

COMPRESSED_SUFFIX = '/compressed'
CAMERA_INFO = 'camera_info'  # last part of the name, beside the images


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One message ready for any door.

    Attributes:
        topic: ROS topic name with a leading slash.
        type_name: Type name with ``/msg/``.
        cdr: The message, encapsulation header included.
        stamp_ns: Stamp it carries.
        latched: True when readers that come later must get it too.
    """

    topic: str
    type_name: str
    cdr: bytes
    stamp_ns: int
    latched: bool = False
