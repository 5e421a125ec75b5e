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

"""Rows of all processes are compared as if one had them all."""

from __future__ import annotations

import pytest
import torch
from torch import distributed
from torch.multiprocessing import start_processes

from xspec_ros.learn.methods.gather import gather_rows, gathered_loss


def pairwise(rows):
    """Return a loss of every row with every other."""
    return (rows @ rows.T).square().mean()


def test_one_process_has_its_own_rows():
    rows = torch.rand(3, 2, requires_grad=True)
    parts = gather_rows(rows)
    assert len(parts) == 1
    assert parts[0] is rows
    loss = gathered_loss(pairwise(rows), 1)
    assert torch.equal(loss, pairwise(rows))


def one_of_two(rank, store, folder, parts):
    torch.set_num_threads(1)
    distributed.init_process_group('gloo', init_method=store, rank=rank, world_size=2)
    rows = parts[rank].clone().requires_grad_()
    found = gather_rows(rows)
    loss = gathered_loss(pairwise(torch.cat(found)), len(found))
    loss.backward()
    torch.save((loss.detach(), rows.grad, [len(part) for part in found]), folder / f'{rank}.pt')
    distributed.destroy_process_group()


@pytest.mark.skipif(torch.cuda.is_available(), reason='forks, which CUDA does not survive')
@pytest.mark.parametrize('counts', [(2, 3), (4, 0)])
def test_two_processes_have_the_loss_and_on_average_the_gradient_of_one(tmp_path, counts):
    generator = torch.Generator().manual_seed(0)
    parts = [torch.randn(count, 4, generator=generator) for count in counts]
    store = f'file://{tmp_path / "store"}'
    start_processes(one_of_two, (store, tmp_path, parts), nprocs=2, start_method='fork')
    whole = torch.cat(parts).requires_grad_()
    loss = pairwise(whole)
    loss.backward()
    for rank, own in enumerate(whole.grad.split(counts)):
        value, gradient, found = torch.load(tmp_path / f'{rank}.pt')
        assert tuple(found) == counts
        torch.testing.assert_close(value, loss.detach())
        torch.testing.assert_close(gradient / 2, own)
