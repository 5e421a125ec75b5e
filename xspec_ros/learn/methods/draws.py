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

"""Random numbers that belong to a picture and a step, wherever the picture stands."""

from __future__ import annotations

import hashlib

import torch


def picture_generator(seed: int, step: int, name: str) -> torch.Generator:
    """Return random numbers of one picture at one step.

    They depend on nothing else: a resumed run repeats them, and so do a batch in another order
    and several processes that share out the batch.

    Args:
        seed: Of the method.
        step: Step of the run.
        name: Name of the picture.

    Returns:
        A generator on the CPU, so that every device sees the same draws.
    """
    digest = hashlib.blake2b(f'{seed}/{step}/{name}'.encode(), digest_size=4).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest, 'little'))
