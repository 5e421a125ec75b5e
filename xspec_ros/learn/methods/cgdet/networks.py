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

"""Which networks the method takes, and how it reads the frozen one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from xspec_ros.errors import ConfigError
from xspec_ros.learn.models.student import Student
from xspec_ros.learn.models.transfer import take_weights

if TYPE_CHECKING:
    from xspec_ros.learn.methods.method import MethodContext

LEVELS = ('P3', 'P4', 'P5')


def thermal_student(context: MethodContext) -> Student:
    """Return the student.

    Raises:
        ConfigError: It is no thermal network of one camera.
    """
    student = context.student
    if context.modality != 'thermal' or not isinstance(student, Student):
        message = f'cgdet trains no {type(student).__name__} for {context.modality}'
        raise ConfigError(message, hint='set network.name: student, input.modality: thermal')
    return student


def rgb_teacher(context: MethodContext) -> Student:
    """Return the teacher, in evaluation mode and without gradients.

    Raises:
        ConfigError: There is none, or it is no RGB network of one camera.
    """
    teacher = context.teacher
    if teacher is None:
        message = 'method cgdet has no teacher'
        raise ConfigError(message, hint='set teacher: the run of an RGB network')
    first = next(layer for layer in teacher.modules() if isinstance(layer, nn.Conv2d))
    if not isinstance(teacher, Student) or first.in_channels != 3:
        message = f'cgdet learns from an RGB student, not from this {type(teacher).__name__}'
        raise ConfigError(message, hint='set teacher: a run of network student, modality rgb')
    return teacher.eval().requires_grad_(requires_grad=False)


def inherit_heads(student: Student, teacher: Student) -> None:
    """Give the student the weights of the teacher's heads, in place.

    Kang et al., "Instance-Conditional Knowledge Distillation for Object Detection",
    https://arxiv.org/abs/2110.12724, begin a student so. What reads C2 of another encoder keeps
    its own weights.

    Raises:
        ConfigError: The detection heads differ in width or classes.
    """
    if take_weights(student.detection, teacher.detection.state_dict()):  # some do not fit
        message = 'arguments.inherit: teacher and student differ in width or classes'
        raise ConfigError(message, hint='give both the same network.arguments.width and classes')
    take_weights(student.segmentation, teacher.segmentation.state_dict())


def build_adapters(student: Student, teacher: Student, *, inherit: bool) -> nn.ModuleList:
    """Return what carries P3, P4, P5 of the student to the teacher's, each (B, C, h, w).

    Inherited heads need the features as they are: nothing lies between.
    """
    ours, theirs = (network.feature_table['P3'][1] for network in (student, teacher))
    return nn.ModuleList(nn.Identity() if inherit else nn.Conv2d(ours, theirs, 1) for _ in LEVELS)


@torch.no_grad()
def pyramid_of(network: Student, image: torch.Tensor) -> list[torch.Tensor]:
    """Return P3 to P5 of pictures (B, in, H, W), as constants."""
    levels = network.backbone(image.contiguous(memory_format=torch.channels_last))
    named = network.neck(levels)
    return [named[level] for level in LEVELS]
