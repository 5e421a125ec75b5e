from __future__ import annotations

import torch
from torch import nn

from xspec_ros.learn.train.ema import WeightAverage


def test_weights_are_averaged_and_buffers_copied():
    network = nn.BatchNorm2d(1)
    average = WeightAverage(network)
    with torch.no_grad():
        network.weight.fill_(3.0)
        network.running_mean.fill_(5.0)
    average.update(network, 0.75)
    assert float(average.network.weight) == 0.75 * 1.0 + 0.25 * 3.0
    assert float(average.network.running_mean) == 5.0


def test_the_average_is_frozen_and_in_eval_mode():
    average = WeightAverage(nn.Linear(2, 2))
    assert not average.network.training
    assert not any(p.requires_grad for p in average.network.parameters())
