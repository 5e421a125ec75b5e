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

"""What a run tells: log lines and TensorBoard curves."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from xspec_ros.learn.train.processes import mean_terms

if TYPE_CHECKING:
    from pathlib import Path

    import torch

LOG = logging.getLogger(__name__)


class Journal:
    """Writes ``RUN/events`` for TensorBoard and a log line every so many steps.

    Args:
        folder: Run folder.
        steps: Length of the run.
        log_every: Steps between lines.
        pictures_a_step: Crops that one step sees.
        first: Step that the run goes on from; curves beyond it are from before a kill and void.
        quiet: Another process writes already.
    """

    def __init__(
        self,
        folder: Path,
        *,
        steps: int,
        log_every: int,
        pictures_a_step: int,
        first: int = 0,
        quiet: bool = False,
    ) -> None:
        self._steps, self._log_every = steps, log_every
        self._pictures = pictures_a_step
        self._since, self._count = time.monotonic(), 0
        self._writer = None
        self._quiet = quiet
        if not quiet:
            from torch.utils.tensorboard import SummaryWriter  # 1 s to import  # noqa: PLC0415  # 1 s to import

            self._writer = SummaryWriter(
                str(folder / 'events'), purge_step=first + 1 if first else None
            )

    def step(self, step: int, terms: dict[str, torch.Tensor], *, lr: float) -> None:
        """Note one finished step; ``step`` counts from 0. Every process calls it."""
        self._count += 1
        if (step + 1) % self._log_every:
            return
        values = mean_terms(terms)
        if self._quiet:
            return
        elapsed = time.monotonic() - self._since
        rate = self._count * self._pictures / max(elapsed, 1e-9)
        left_min = (self._steps - step - 1) * elapsed / self._count / 60
        total = sum(values.values())
        words = ' '.join(f'{name} {value:.3f}' for name, value in values.items())
        text = 'step %d/%d loss %.3f (%s) lr %.2e %.1f pictures/s %.0f min left'
        LOG.info(text, step + 1, self._steps, total, words, lr, rate, left_min)
        self._scalars(
            {f'train/loss_{name}': value for name, value in values.items()}
            | {'train/loss': total, 'train/lr': lr, 'train/pictures_per_s': rate},
            step + 1,
        )
        self._since, self._count = time.monotonic(), 0

    def validation(self, step: int, metrics: dict[str, object], seconds: float) -> None:
        """Note validation figures after ``step`` steps."""
        if self._quiet:
            return
        per_class = metrics['per_class']
        scalars = {
            f'val/{name}': value
            for key, name in (('miou', 'mIoU'), ('map50', 'mAP50'), ('map', 'mAP'))
            if isinstance(value := metrics[key], float)
        }
        if isinstance(per_class, dict):
            for label, values in per_class.items():
                scalars |= {
                    f'val/{key}_{label}': value
                    for key, value in values.items()
                    if isinstance(value, float)
                }
        words = ' '.join(f'{name} {value:.3f}' for name, value in scalars.items())
        LOG.info('validation after %d steps (%.0f s): %s', step, seconds, words)
        self._scalars(scalars, step)
        self._since, self._count = time.monotonic(), 0

    def judged(self, step: int, value: float, seconds: float) -> None:
        """Note what a judge says of the weights after ``step`` steps."""
        if self._quiet:
            return
        LOG.info('judged after %d steps (%.0f s): %.4f', step, seconds, value)
        self._scalars({'val/judge': value}, step)
        self._since, self._count = time.monotonic(), 0

    def close(self) -> None:
        """Write out what is waiting."""
        if self._writer is not None:
            self._writer.close()

    def _scalars(self, values: dict[str, float], step: int) -> None:
        if self._writer is not None:
            for name, value in values.items():
                self._writer.add_scalar(name, value, step)
