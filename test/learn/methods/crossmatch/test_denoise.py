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

"""The product of three answers, what is kept of it, and the thresholds."""

from __future__ import annotations

import multiprocessing

import pytest
import torch
from torch import distributed

from xspec_ros.learn.batch import IGNORE
from xspec_ros.learn.methods.crossmatch.denoise import (
    BINS,
    confidence_counts,
    denoised,
    kept,
    Labels,
    labels_of,
    Medians,
    moved_medians,
)

K, SIZE = 5, (4, 6)
HIGH = Medians(torch.full((K,), 0.9), torch.ones(K, dtype=torch.bool))


def answer(seed, *, scale=2.0, count=2):
    generator = torch.Generator().manual_seed(seed)
    return (scale * torch.randn(count, K, *SIZE, generator=generator)).log_softmax(dim=1)


@pytest.fixture
def three():
    return answer(1), answer(2), answer(3)


def uniform():
    return torch.zeros(2, K, *SIZE).log_softmax(dim=1)


def test_the_product_is_a_distribution(three):
    q = denoised(*three, gamma=0.7, beta=0.5).exp()
    assert torch.allclose(q.sum(dim=1), torch.ones(2, *SIZE), atol=1e-6)
    expected = three[0].exp() ** 0.7 * (three[1].exp() * three[2].exp()) ** 0.5
    assert torch.allclose(q, expected / expected.sum(dim=1, keepdim=True), atol=1e-6)


def test_teachers_that_know_nothing_leave_the_class_to_the_source(three):
    q = denoised(three[0], uniform(), uniform(), gamma=1.0, beta=0.5)
    assert torch.equal(q.argmax(dim=1), three[0].argmax(dim=1))


@pytest.mark.parametrize('beta', [0.0, 0.3, 1.0])
def test_without_the_source_teachers_that_agree_are_what_they_say(three, beta):
    q = denoised(three[0], three[1], three[1], gamma=0.0, beta=beta)
    assert torch.allclose(q.exp(), three[1].exp(), atol=1e-6)


def test_at_half_the_streams_can_be_swapped(three):
    source, thermal, auxiliary = three
    one = denoised(source, thermal, auxiliary, gamma=0.4, beta=0.5)
    other = denoised(source, auxiliary, thermal, gamma=0.4, beta=0.5)
    assert torch.allclose(one, other, atol=1e-6)


@pytest.mark.parametrize('category', range(K))
def test_a_class_that_a_teacher_raises_is_never_lowered(three, category):
    source, thermal, auxiliary = three
    raised = auxiliary.clone()
    raised[:, category] += 1.0
    before = denoised(source, thermal, auxiliary, gamma=0.4, beta=0.5)
    after = denoised(source, thermal, raised.log_softmax(dim=1), gamma=0.4, beta=0.5)
    assert bool((after[:, category] >= before[:, category] - 1e-6).all())


def test_no_single_answer_can_forbid_a_class():
    never = torch.full((1, K, 1, 1), -200.0)
    never[:, 0] = 0.0
    q = denoised(never, *(answer(4, count=1)[..., :1, :1] for _ in range(2)), gamma=1.0, beta=0.5)
    assert bool(q.isfinite().all())
    assert float(q.min()) > -30


def test_labels_are_kept_where_sure_and_agreed():
    labels = Labels(torch.tensor([[[0, 0, 1, 1, 0]]]), torch.tensor([[[0.6, 0.4, 0.6, 0.97, 1]]]))
    cells = torch.tensor([[[True, True, True, True, False]]])
    agree = torch.tensor([[[True, True, False, False, True]]])
    threshold = torch.tensor([0.5, 0.5])
    found = kept(labels, cells, threshold, agree=agree, agree_confidence=0.95)
    assert found.tolist() == [[[0, IGNORE, IGNORE, 1, IGNORE]]]
    alone = kept(labels, cells, threshold, agree=None, agree_confidence=0.95)
    assert alone.tolist() == [[[0, IGNORE, 1, 1, IGNORE]]]
    strict = kept(labels, cells, torch.tensor([0.7, 0.5]), agree=None, agree_confidence=0.95)
    assert strict.tolist() == [[[IGNORE, IGNORE, 1, 1, IGNORE]]]


def test_labels_turn_with_the_picture(three):
    """No place matters: the labels of a flipped frame are the flipped labels, twice is none."""

    def label_map(answers, cells):
        labels = labels_of(denoised(*answers, gamma=0.5, beta=0.5))
        agree = answers[1].argmax(dim=1) == answers[2].argmax(dim=1)
        return kept(labels, cells, torch.full((K,), 0.5), agree=agree, agree_confidence=0.9)

    cells = torch.rand(2, *SIZE, generator=torch.Generator().manual_seed(0)) > 0.2
    before = label_map(three, cells)
    after = label_map([each.flip(-1) for each in three], cells.flip(-1))
    assert torch.equal(after, before.flip(-1))
    assert torch.equal(after.flip(-1), before)
    assert bool((before != IGNORE).any())


def labels(seed=0, count=400):
    generator = torch.Generator().manual_seed(seed)
    winner = torch.randint(0, K - 1, (1, 1, count), generator=generator)  # the last is not seen
    return Labels(winner, torch.rand(1, 1, count, generator=generator))


def test_thresholds_follow_the_median_of_every_class_that_is_seen():
    found, cells = labels(), torch.ones(1, 1, 400, dtype=torch.bool)
    before = Medians(torch.full((K,), 0.9), torch.arange(K) != 0)  # the first is new
    counts = confidence_counts(found, cells, K)
    after = moved_medians(before, counts, 0.75)
    for category in range(K - 1):
        median = float(found.confidence[found.winner == category].median())
        expected = 0.75 * 0.9 + 0.25 * median if category else median
        assert float(after.values[category]) == pytest.approx(expected, abs=1 / BINS)
    assert torch.equal(after.values[K - 1], before.values[K - 1])
    assert after.seen.all()


def test_parts_of_a_batch_in_any_order_count_as_the_whole():
    found, cells = labels(), torch.ones(1, 1, 400, dtype=torch.bool)
    cells[..., :10] = False
    whole = confidence_counts(found, cells, K)
    order = torch.randperm(400, generator=torch.Generator().manual_seed(1))
    parts = [
        confidence_counts(Labels(*(x[..., part] for x in found)), cells[..., part], K)
        for part in order.split(130)
    ]
    assert torch.equal(whole, torch.stack(parts).sum(dim=0))
    assert int(whole.sum()) == 390


def test_nothing_seen_moves_nothing():
    before = Medians(torch.rand(K), torch.zeros(K, dtype=torch.bool))
    after = moved_medians(before, torch.zeros(K, BINS, dtype=torch.int64), 0.9)
    assert torch.equal(after.values, before.values)
    assert not after.seen.any()


def one_of_two(rank, counts, folder):
    store = distributed.FileStore(str(folder / 'store'), 2)
    distributed.init_process_group('gloo', store=store, rank=rank, world_size=2)
    torch.save(moved_medians(HIGH, counts[rank], 0.5).values, folder / f'{rank}.pt')
    distributed.destroy_process_group()


def test_two_processes_have_the_thresholds_of_one(tmp_path):
    cells = torch.ones(1, 1, 400, dtype=torch.bool)
    counts = [confidence_counts(labels(seed), cells, K) for seed in (1, 2)]
    processes = [
        multiprocessing.get_context('fork').Process(
            target=one_of_two, args=(rank, counts, tmp_path)
        )
        for rank in range(2)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    whole = moved_medians(HIGH, counts[0] + counts[1], 0.5).values
    for rank in range(2):
        assert torch.equal(torch.load(tmp_path / f'{rank}.pt'), whole)
