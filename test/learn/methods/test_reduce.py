from __future__ import annotations

import torch

from xspec_ros.learn.methods.reduce import global_count


def test_one_process_divides_by_its_own_count():
    assert float(global_count(torch.tensor(7))) == 7


def test_nothing_divides_by_one():
    assert float(global_count(torch.tensor(0))) == 1


def test_small_weights_are_not_rounded_up():
    assert float(global_count(torch.tensor(0.25), least=1e-6)) == 0.25
