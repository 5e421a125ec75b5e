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

"""A bundle opens only when nothing about it was changed."""

from __future__ import annotations

import json

import msgspec
import pytest

from xspec_ros.bundle import store
from xspec_ros.bundle.store import bundle_hash, open_bundle, write_bundle
from xspec_ros.errors import BundleError


def edit(bundle, change):
    """Change ``bundle.json`` as someone with an editor would."""
    path = bundle.path / 'bundle.json'
    raw = json.loads(path.read_text())
    change(raw)
    path.write_text(json.dumps(raw))


def test_a_written_bundle_opens_with_the_same_manifest(bundle, manifest):
    opened = open_bundle(bundle.path)
    assert opened.manifest.files.keys() == {
        'thermal.fp32.onnx',
        'weights.safetensors',
        'README.md',
    }
    assert msgspec.structs.replace(opened.manifest, files={}) == manifest
    assert opened.graph_path('thermal', 'fp32').read_bytes() == b'graph'


@pytest.mark.parametrize('name', ['thermal.fp32.onnx', 'weights.safetensors', 'README.md'])
def test_a_flipped_byte_is_refused(bundle, name):
    path = bundle.path / name
    content = bytearray(path.read_bytes())
    content[1] ^= 1
    path.write_bytes(content)
    with pytest.raises(BundleError, match='SHA-256'):
        open_bundle(bundle.path)


def test_a_longer_file_is_refused_by_its_size(bundle):
    with (bundle.path / 'README.md').open('ab') as file:
        file.write(b'x')
    with pytest.raises(BundleError, match='5 bytes instead of 4'):
        open_bundle(bundle.path)


def test_an_empty_file_is_refused(bundle):
    (bundle.path / 'thermal.fp32.onnx').write_bytes(b'')
    with pytest.raises(BundleError, match='0 bytes instead of 5'):
        open_bundle(bundle.path)


def test_a_missing_file_is_named(bundle):
    (bundle.path / 'weights.safetensors').unlink()
    with pytest.raises(BundleError, match=r'weights\.safetensors is missing'):
        open_bundle(bundle.path)


def test_a_folder_in_place_of_a_file_is_refused(bundle):
    (bundle.path / 'README.md').unlink()
    (bundle.path / 'README.md').mkdir()
    with pytest.raises(BundleError, match='no regular file'):
        open_bundle(bundle.path)


def test_a_link_in_place_of_a_file_is_refused(bundle, tmp_path):
    (bundle.path / 'README.md').rename(tmp_path / 'elsewhere')
    (bundle.path / 'README.md').symlink_to(tmp_path / 'elsewhere')
    with pytest.raises(BundleError, match='symbolic link'):
        open_bundle(bundle.path)


def test_an_unlisted_file_is_refused_but_not_a_desktops_own(bundle):
    (bundle.path / '.DS_Store').write_bytes(b'x')
    open_bundle(bundle.path)
    (bundle.path / 'extra.onnx').write_bytes(b'x')
    with pytest.raises(BundleError, match=r'extra\.onnx'):
        open_bundle(bundle.path)


@pytest.mark.parametrize('name', ['../x.onnx', '/etc/x.onnx', 'a/../../x.md', '.x.md', 'a\\x.md'])
def test_a_name_that_leaves_the_folder_is_refused_before_it_is_read(bundle, name):
    edit(bundle, lambda raw: raw['files'].update({name: raw['files']['README.md']}))
    with pytest.raises(BundleError, match='file name'):
        open_bundle(bundle.path)


@pytest.mark.parametrize('name', ['weights.pt', 'weights.pkl', 'run.py', 'README'])
def test_kinds_of_files_that_can_run_code_are_refused(bundle, name):
    edit(bundle, lambda raw: raw['files'].update({name: raw['files']['README.md']}))
    with pytest.raises(BundleError, match='holds only'):
        open_bundle(bundle.path)


def test_a_huge_manifest_is_refused_unread(bundle):
    (bundle.path / 'bundle.json').write_bytes(b' ' * (store.MAX_MANIFEST_BYTES + 1))
    with pytest.raises(BundleError, match=r'has \d+ bytes'):
        open_bundle(bundle.path)


@pytest.mark.parametrize('text', [b'', b'{', b'[]', b'\xff\xfe', b'[' * 100_000, b'{"a": 1}'])
def test_a_manifest_that_is_none_is_refused(bundle, text):
    (bundle.path / 'bundle.json').write_bytes(text)
    with pytest.raises(BundleError, match=r'bundle\.json'):
        open_bundle(bundle.path)


def test_an_unknown_key_is_refused(bundle):
    edit(bundle, lambda raw: raw.update(run='rm'))
    with pytest.raises(BundleError, match='run'):
        open_bundle(bundle.path)


def test_missing_models_name_what_there_is(tmp_path):
    with pytest.raises(BundleError, match='not found'):
        open_bundle(tmp_path / 'absent')
    with pytest.raises(BundleError, match=r'no bundle\.json'):
        open_bundle(tmp_path)
    (tmp_path / 'file').write_text('x')
    with pytest.raises(BundleError, match='no folder'):
        open_bundle(tmp_path / 'file')


def test_an_absent_variant_names_those_there_are(bundle):
    with pytest.raises(BundleError, match='fp32: thermal'):
        bundle.graph_path('fused', 'fp32')


def test_writing_replaces_a_bundle_whole(bundle, manifest):
    before = bundle_hash(bundle)
    again = write_bundle(bundle.path, manifest, {'thermal.fp32.onnx': b'other'})
    assert [path.name for path in sorted(again.path.iterdir())] == [
        'bundle.json',
        'thermal.fp32.onnx',
    ]
    assert bundle_hash(again) != before
    assert [path.name for path in bundle.path.parent.iterdir()] == ['model']


def test_writing_refuses_a_folder_that_is_no_bundle(tmp_path, manifest):
    (tmp_path / 'thesis.tex').write_text('x')
    with pytest.raises(BundleError, match='is no bundle'):
        write_bundle(tmp_path, manifest, {'thermal.fp32.onnx': b'graph'})
    assert (tmp_path / 'thesis.tex').exists()


def test_a_bundle_that_would_not_open_is_never_put_in_place(tmp_path, manifest):
    with pytest.raises(BundleError, match='graph'):
        write_bundle(tmp_path / 'model', manifest, {'README.md': b'card'})
    assert list(tmp_path.iterdir()) == []


def test_the_hash_is_of_the_content(bundle, tmp_path, manifest):
    files = {name: (bundle.path / name).read_bytes() for name in bundle.manifest.files}
    copy = write_bundle(tmp_path / 'copy', manifest, files)
    assert bundle_hash(copy) == bundle_hash(bundle)
