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

"""Pictures as image messages: by cv_bridge, or by our own encoder where cv_bridge fails."""

from __future__ import annotations

from contextlib import redirect_stderr
from io import StringIO
from typing import TYPE_CHECKING

import numpy as np

from xspec_ros.messages.cdr import split_stamp
from xspec_ros.messages.image import encode_image

if TYPE_CHECKING:
    from cv_bridge import CvBridge
    from rclpy.impl.rcutils_logger import RcutilsLogger
    from sensor_msgs.msg import Image

    from xspec_ros.core.frame import UInt8Array

ENCODING = 'rgb8'
REMEDY = (
    'pictures are published all the same, by the encoder of xspec_ros; cv_bridge works with the '
    "numpy and OpenCV majors it was built for, mostly: pip install 'numpy<2' 'opencv-python<5'"
)
OLD_NUMPY = 'compiled using NumPy 1'
# What a cv_bridge built for another numpy or OpenCV raises, on import or at the first picture.
FAILURES = (ImportError, AttributeError, LookupError, RuntimeError, SystemError, TypeError)


class PictureEncoder:
    """Makes what a publisher takes for an rgb8 picture.

    Attributes:
        fault: Why cv_bridge is not used; empty when it is.

    Args:
        logger: Told once when cv_bridge cannot be used.
    """

    def __init__(self, logger: RcutilsLogger) -> None:
        self.fault = ''
        self._bridge: CvBridge | None = None
        try:
            self._bridge = _open_bridge()
        except FAILURES as error:
            reason = next(iter(str(error).strip().splitlines()), '')
            self.fault = f'{type(error).__name__}: {reason}'
            logger.warning(f'cv_bridge cannot be used ({self.fault}); {REMEDY}')

    def encode(self, picture: UInt8Array, *, stamp_ns: int, frame_id: str) -> Image | bytes:
        """Return a message, or its CDR bytes.

        Args:
            picture: (H, W, 3) uint8 RGB.
            stamp_ns: Header stamp in nanoseconds.
            frame_id: Header frame.
        """
        if self._bridge is None:
            return encode_image(picture, stamp_ns=stamp_ns, frame_id=frame_id, encoding=ENCODING)
        message = self._bridge.cv2_to_imgmsg(picture, ENCODING)
        message.header.stamp.sec, message.header.stamp.nanosec = split_stamp(stamp_ns)
        message.header.frame_id = frame_id
        return message


def _open_bridge() -> CvBridge:
    """Return a bridge that has converted a picture.

    Raises:
        ImportError: It is missing, or built for another numpy: numpy writes pages on stderr then
            (kept back here), and the process may crash later on.
    """
    with redirect_stderr(StringIO()) as pages:
        from cv_bridge import CvBridge  # noqa: PLC0415 - may fail, and this is where it is told

        bridge = CvBridge()
        bridge.cv2_to_imgmsg(np.zeros((2, 2, 3), np.uint8), ENCODING)
    if OLD_NUMPY in pages.getvalue():
        message = f'built for numpy 1, this is numpy {np.__version__}'
        raise ImportError(message)
    return bridge
