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

"""What an adaptation depends on beside the model and the drives: every number in one struct."""

from __future__ import annotations

from typing import Annotated, Literal, TYPE_CHECKING

import msgspec

from xspec_ros.config import convert
from xspec_ros.errors import ConfigError
from xspec_ros.learn.data.augment import PhotoArgs
from xspec_ros.learn.data.geometry import CropArgs
from xspec_ros.learn.train.recipe import Precision

if TYPE_CHECKING:
    from collections.abc import Sequence

Positive = Annotated[int, msgspec.Meta(ge=1)]
Seconds = Annotated[float, msgspec.Meta(ge=0)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Above = Annotated[float, msgspec.Meta(gt=0)]
LEAST_ASIDE = 2

# The method makes the strong view itself: what it is given is nearly what the camera saw.
GENTLE_PHOTO = PhotoArgs(
    percentile=0.3,
    gain=0.05,
    offset=0.02,
    gamma=1.1,
    equalise=0.0,
    invert=0.0,
    noise=0.005,
    fixed_pattern=0.0,
    blur=0.0,
    erase=0.0,
)
# The source of the labels is the model itself: it must not be let go of, and no class may vanish.
# Norms stay: statistics of a few hundred frames of one drive are worse than those of the training.
ARGUMENTS: dict[str, object] = {
    'gamma_end': 0.3,
    'diversity': 0.01,
    'norms': 'frozen',
    'balance': 1.0,
    'ema': 0.99,
}
# An RGB teacher knows what the model does not: its word counts to the end, and all of its labels
# do, whether the model is sure of them or not.
TAUGHT: dict[str, object] = {
    'gamma_start': 1.0,
    'gamma_end': 1.0,
    'diversity': 0.0,
    'balance': 0.25,
    'tau_max': 0.5,
    'view': {
        'cutouts': [0, 0],
        'gain': 0.2,
        'offset': 0.1,
        'gamma': 1.3,
        'noise': 0.03,
        'blur': 0.1,
    },
}
CROP = CropArgs(scale=(0.75, 1.5), aspect=1.1, focus=0.0)  # nothing is labelled to be focused on


class AdaptSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How frames are chosen, the model is trained, and the result is judged.

    Attributes:
        frames: At most so many frames are learned from and measured on.
        least_frames: Fewer that show something, and something different, are refused.
        min_change: A frame nearer than this to one that is kept shows nothing new; mean
            absolute difference at 32x24 pixels as a share of the contrast.
        least_correlation: Neighbouring pixels correlate less than this: noise. At 160 pixels
            width real frames have 0.79 and more, noise 0.
        least_contrast: Counts between the 1st and 99th percentile: less is an empty picture.
        least_sharpness: Fine structure as a share of the drive's median: less is blurred.
        aside_share: Share of the chosen frames that is kept aside, to measure on.
        least_aside: At least so many are.
        most_aside: At most so many are.
        apart_s: No frame is learned from that is nearer in time than this to one kept aside.
        follow_s: A frame at most so much later shows the same scene: temporal consistency.
        register_pairs: Pairs by day that the two cameras are registered with.
        least_pairs: Share of the frames that must have an RGB partner for RGB to be used.
        points_lost: Largest loss, in points, of mIoU and of mAP50 on the guard set.
        unlabelled_points_lost: The same of teacher agreement and of consistency without labels.
        least_agreement: Smallest share of pixels on which old and new model must agree.
        shown: Share of the pixels from which on the source model shows a class.
        vanished: A class with less than this share of what it had has vanished.
        most_vanished: Largest share of the shown classes that may vanish.
        method: Name of the training method.
        arguments: Its arguments; ``auxiliary`` is found by looking at the pairs.
        taught_arguments: What replaces them where an RGB teacher labels the pairs by day.
        crop: Geometric augmentation.
        photo: Photometric augmentation.
        crop_hw: Largest rows and columns of the crops.
        batch_size: Crops a step.
        lr: Highest learning rate.
        taught_lr: The same where an RGB teacher labels the pairs by day.
        warmup: Steps of linear warm-up.
        weight_decay: On weights of two and more dimensions.
        clip_norm: Largest norm of the gradient.
        ema_decay: Decay of the averaged weights, which are measured and handed over; short runs
            need a short memory.
        max_steps: Most steps, however much time there is.
        least_steps: With time for fewer, nothing is begun.
        looks: How often the weights are measured while training, where time allows.
        looking_share: Largest share of the training time that goes into that.
        look_frames: Pictures that a look is on.
        verify_frames: Pictures that the engines of the new bundle are compared on.
        verify_labelled: The same for a bundle with lower precisions, which labels judge.
        reading_share: Largest share of the time for reading the drives the first time.
        precision: ``32-true``, ``bf16-mixed``, or ``auto``: what the device computes fast.
        device: ``auto``, ``cpu`` or ``cuda``.
        seed: Seed of batches.
    """

    frames: Positive = 600
    least_frames: Annotated[int, msgspec.Meta(ge=4)] = 24
    min_change: Share = 0.01
    least_correlation: Annotated[float, msgspec.Meta(ge=-1, le=1)] = 0.6
    least_contrast: Annotated[float, msgspec.Meta(ge=0)] = 4.0
    least_sharpness: Share = 0.1
    aside_share: Share = 0.15
    least_aside: Annotated[int, msgspec.Meta(ge=LEAST_ASIDE)] = 8
    most_aside: Annotated[int, msgspec.Meta(ge=LEAST_ASIDE)] = 60
    apart_s: Seconds = 0.5
    follow_s: Seconds = 0.2
    register_pairs: Annotated[int, msgspec.Meta(ge=8)] = 48
    least_pairs: Share = 0.8
    points_lost: Annotated[float, msgspec.Meta(ge=0)] = 0.5
    unlabelled_points_lost: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    least_agreement: Share = 0.4
    shown: Share = 0.001
    vanished: Share = 0.1
    most_vanished: Share = 0.1
    method: str = 'crossmatch'
    arguments: dict[str, object] = msgspec.field(default_factory=lambda: dict(ARGUMENTS))
    taught_arguments: dict[str, object] = msgspec.field(default_factory=lambda: dict(TAUGHT))
    crop: CropArgs = CROP
    photo: PhotoArgs = GENTLE_PHOTO
    crop_hw: tuple[int, int] = (320, 384)
    batch_size: Positive = 6
    lr: Above = 5e-5
    taught_lr: Above = 1e-3
    warmup: Annotated[int, msgspec.Meta(ge=0)] = 10
    weight_decay: Annotated[float, msgspec.Meta(ge=0)] = 0.01
    clip_norm: Above = 1.0
    ema_decay: Share = 0.99
    max_steps: Positive = 3000
    least_steps: Positive = 20
    looks: Positive = 8
    looking_share: Share = 0.2
    look_frames: Positive = 24
    verify_frames: Positive = 24
    verify_labelled: Positive = 100
    reading_share: Share = 0.35
    precision: Precision = 'auto'
    device: Literal['auto', 'cpu', 'cuda'] = 'auto'
    seed: int = 0


def settings_with(overrides: Sequence[str] = ()) -> AdaptSettings:
    """Return the settings with ``key=value`` texts applied.

    Raises:
        ConfigError: An unknown key or a value that makes no sense.
    """
    plain = msgspec.to_builtins(AdaptSettings())
    settings = convert(plain, AdaptSettings, 'the settings of adapt', overrides=overrides)
    if settings.least_frames < settings.least_aside + LEAST_ASIDE:
        message = f'least_frames {settings.least_frames}, least_aside {settings.least_aside}'
        raise ConfigError(message, hint='leave frames to learn from beside those kept aside')
    return settings
