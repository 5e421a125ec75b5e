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

"""The model folder is followed: once it stands still, verified, and never half of it."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

pytest.importorskip('onnxruntime')

from xspec_ros.bundle.store import bundle_hash, open_bundle
from xspec_ros.errors import BundleError
from xspec_ros.perception.follow import fingerprint, FolderWatch, ModelFollower
from xspec_ros.perception.live import LiveRunner
from xspec_ros.perception.pipeline import open_pipeline
from xspec_ros.perception.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from xspec_ros.perception.notices import Notice

SECOND = 1_000_000_000
DEADLINE_S = 60.0


def copy_bundle(source: Path, target: Path, name: str) -> Path:
    """Copy a bundle under another model name, which is another hash."""
    shutil.copytree(source, target)
    manifest = json.loads((target / 'bundle.json').read_text())
    (target / 'bundle.json').write_text(json.dumps(manifest | {'name': name}))
    return target


def replace(folder: Path, new: Path) -> None:
    """Put another bundle in its place."""
    folder.rename(folder.with_name('gone'))
    new.rename(folder)
    shutil.rmtree(folder.with_name('gone'))


def tamper(folder: Path) -> None:
    with (folder / 'thermal.fp32.onnx').open('ab') as file:
        file.write(b'x')


@pytest.fixture
def folder(tiny_bundle: Path, tmp_path: Path) -> Path:
    return copy_bundle(tiny_bundle, tmp_path / 'served', 'first')


def looks(watch: FolderWatch, seconds: range) -> list[int]:
    return [second for second in seconds if watch.settled(second * SECOND)]


def test_a_folder_that_stays_is_nothing_new(folder: Path) -> None:
    assert looks(FolderWatch(folder), range(5)) == []


def test_a_replaced_bundle_is_told_once_when_it_stands(folder: Path, tiny_bundle: Path) -> None:
    watch = FolderWatch(folder)
    assert looks(watch, range(2)) == []
    replace(folder, copy_bundle(tiny_bundle, folder.with_name('new'), 'second'))
    assert looks(watch, range(2, 8)) == [3]
    assert not watch.has_moved_on()


def test_a_folder_that_is_being_written_is_waited_for(folder: Path) -> None:
    watch = FolderWatch(folder)
    for second in range(3):
        tamper(folder)
        assert looks(watch, range(second, second + 1)) == []
    assert looks(watch, range(3, 6)) == [3]


def test_it_looks_once_a_second(folder: Path) -> None:
    watch = FolderWatch(folder)
    tamper(folder)
    steps = [step for step in range(12) if watch.settled(step * SECOND // 4)]
    assert steps == [4]


def test_a_bundle_that_is_gone_is_waited_for(folder: Path) -> None:
    watch = FolderWatch(folder)
    folder.rename(folder.with_name('away'))
    assert fingerprint(folder) is None
    assert looks(watch, range(3)) == []
    assert watch.has_moved_on()
    folder.with_name('away').rename(folder)
    assert looks(watch, range(3, 6)) == [4]


def test_a_link_that_is_turned_is_a_change(folder: Path, tiny_bundle: Path) -> None:
    second = copy_bundle(tiny_bundle, folder.with_name('v2'), 'second')
    link = folder.with_name('current')
    link.symlink_to(folder)
    watch = FolderWatch(link)
    turned = folder.with_name('turned')
    turned.symlink_to(second)
    turned.replace(link)
    assert looks(watch, range(4)) == [1]


class Following:
    """A follower and a runner, asked on a clock that runs as fast as one asks."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        settings = Settings(model=str(folder), engine='onnxruntime', threads=1)
        self.follower = ModelFollower(settings.model)
        self.pipeline = open_pipeline(settings)
        self.runner = LiveRunner(self.pipeline, lambda _: None)
        self.now_ns = 0

    def ask(self, times: int = 1) -> list[Notice]:
        found = []
        for _ in range(times):
            self.now_ns += SECOND
            found += self.follower.check(self.now_ns, self.runner)
        return found

    def settle(self) -> list[Notice]:
        """Let the folder settle, wait until the model is open, return what is told then."""
        assert self.ask(2) == []
        assert self.follower.wait_opened(DEADLINE_S)
        return self.ask()

    def close(self) -> None:
        self.follower.close()
        self.runner.close()
        self.pipeline.close()


@pytest.fixture
def following(folder: Path) -> Iterator[Following]:
    made = Following(folder)
    yield made
    made.close()


def test_a_new_bundle_is_swapped_in(following: Following, tiny_bundle: Path) -> None:
    old = bundle_hash(following.pipeline.perception.bundle)
    replace(
        following.folder, copy_bundle(tiny_bundle, following.folder.with_name('new'), 'second')
    )
    (notice,) = following.settle()
    serving = following.pipeline.perception.bundle
    assert serving.manifest.name == 'second'
    assert (notice.kind, notice.level) == ('swapped', 'info')
    assert notice.text == (
        f'model swapped: first {old[:12]} -> second {bundle_hash(serving)[:12]}'
    )
    assert (following.follower.refused, following.pipeline.swaps) == (0, 1)


def test_a_bundle_written_over_the_old_one_is_taken_when_it_is_whole(
    following: Following, tiny_bundle: Path
) -> None:
    new = copy_bundle(tiny_bundle, following.folder.with_name('new'), 'second')
    (following.folder / 'thermal.fp32.onnx').write_bytes(b'')
    assert [notice.kind for notice in following.settle()] == ['swap_refused']
    shutil.copytree(new, following.folder, dirs_exist_ok=True)
    assert [notice.kind for notice in following.settle()] == ['swapped']
    assert following.pipeline.perception.bundle.manifest.name == 'second'


def test_a_tampered_bundle_is_refused_once_and_whole_again_later(
    following: Following, tiny_bundle: Path
) -> None:
    served = following.pipeline.perception
    tamper(following.folder)
    (notice,) = following.settle()
    assert (notice.kind, notice.level) == ('swap_refused', 'error')
    assert 'thermal.fp32.onnx has' in notice.text
    assert notice.text.endswith(f'first {bundle_hash(served.bundle)[:12]} serves on')
    assert following.ask(5) == []
    assert following.pipeline.perception is served

    tampered = following.folder / 'thermal.fp32.onnx'
    shutil.copyfile(tiny_bundle / 'thermal.fp32.onnx', tampered)
    (notice,) = following.settle()
    assert (notice.kind, notice.level) == ('swapped', 'info')
    assert 'serves on' in notice.text
    assert following.pipeline.perception is served
    assert (following.follower.refused, following.pipeline.swaps) == (1, 0)


def test_the_same_bundle_again_is_no_swap(following: Following, tiny_bundle: Path) -> None:
    replace(following.folder, copy_bundle(tiny_bundle, following.folder.with_name('new'), 'first'))
    assert following.settle() == []
    assert following.pipeline.swaps == 0


def test_a_bundle_that_changes_while_it_is_opened_is_opened_again(
    following: Following, tiny_bundle: Path
) -> None:
    parent = following.folder.parent
    third = copy_bundle(tiny_bundle, parent / 'third', 'third')
    replace(following.folder, copy_bundle(tiny_bundle, parent / 'new', 'second'))
    assert following.ask(2) == []  # the opener runs
    replace(following.folder, third)
    assert following.follower.wait_opened(DEADLINE_S)
    assert following.ask() == []  # what was opened is gone from the folder
    assert [notice.kind for notice in following.settle()] == ['swapped']
    assert following.pipeline.perception.bundle.manifest.name == 'third'
    assert following.pipeline.swaps == 1
    assert open_bundle(following.folder).manifest.name == 'third'


def test_closing_while_a_model_is_opened_frees_it(following: Following, tiny_bundle: Path) -> None:
    new = copy_bundle(tiny_bundle, following.folder.parent / 'new', 'second')
    replace(following.folder, new)
    assert following.ask(2) == []
    following.follower.close()
    assert following.ask() == []


def test_a_model_that_is_not_there_cannot_be_followed(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match='not found'):
        ModelFollower(str(tmp_path / 'nowhere'))
