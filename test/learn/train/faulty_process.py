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

"""A run of two processes with something wrong in one of them; run by its test.

A child of the run imports this file too, so that what is changed here is changed in both.
"""

from __future__ import annotations

import os
from pathlib import Path
import signal
import sys

import cv2
import torch

from xspec_ros.config import load_struct
from xspec_ros.errors import DataError
from xspec_ros.learn.batch import StepOutput
from xspec_ros.learn.methods import METHODS
from xspec_ros.learn.methods.supervised.method import Supervised
from xspec_ros.learn.train.processes import process_number
from xspec_ros.learn.train.recipe import Recipe
from xspec_ros.learn.train.run import run_recipe, RunOptions

FOLDER, FAULT, PROCESS = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
AT = 2


class Faulty(Supervised):
    """At one step of one process something happens."""

    def training_step(self, batch, step):
        torch.set_num_threads(1)
        cv2.setNumThreads(1)
        out = super().training_step(batch, step)
        if step != AT or process_number() != PROCESS:
            return out
        if FAULT == 'signal':
            os.kill(os.getpid(), signal.SIGTERM)
        if FAULT == 'kill':
            os.kill(os.getpid(), signal.SIGKILL)
        if FAULT == 'data':
            message = f'something of {batch.names[0]} is missing'
            raise DataError(message)
        if FAULT == 'loss':
            terms = out.terms | {'box': torch.tensor(float('nan'))}
            return StepOutput(out.loss * float('nan'), terms)
        return out


METHODS['supervised'] = Faulty

if __name__ == '__main__':
    report = run_recipe(load_struct(FOLDER / 'run.yaml', Recipe), RunOptions(out=FOLDER / 'run'))
    sys.stdout.write(f'{report.steps} {report.finished}\n')
