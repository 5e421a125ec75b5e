from __future__ import annotations

import json

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from xspec_ros.bag.pack import pack
from xspec_ros.bag.reader import BagReader
from xspec_ros.bag.writer import BagWriter
from xspec_ros.cli import bag as bag_verb
from xspec_ros.cli import demo, replay, synth
from xspec_ros.core.truth import Boxes
from xspec_ros.datasets import open_dataset, Sample

SIZE = (48, 64)


@pytest.fixture
def run():
    app = typer.Typer(rich_markup_mode=None)
    app.add_typer(bag_verb.app, name='bag')
    app.command('synth')(synth.command)
    app.command('replay')(replay.command)
    app.command('demo')(demo.command)

    def call(*arguments):
        done = CliRunner().invoke(app, [str(argument) for argument in arguments])
        return done.exit_code, json.loads(done.stdout) if '--json' in arguments else done.output

    return call


@pytest.fixture
def drive(tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / 'drive.mcap'
    made = (
        Sample(
            name=str(index),
            rgb=rng.integers(0, 256, (*SIZE, 3)).astype(np.uint8),
            thermal=rng.integers(0, 256, SIZE).astype(np.uint8),
            label_map=np.full(SIZE, index, np.uint8),
            boxes_thermal=Boxes.of([[1, 2, 30, 40]], [0]),
        )
        for index in range(4)
    )
    with BagWriter(path) as writer:
        pack(made, writer)
    return path


@pytest.mark.parametrize(
    'verb', [('bag', 'pack'), ('bag', 'extract'), ('bag', 'info'), ('synth',)]
)
def test_help_has_examples(run, verb):
    code, text = run(*verb, '--help')
    assert code == 0
    assert 'Examples:\n    xspec' in text


def test_extract_and_pack_go_around(run, drive, tmp_path):
    code, data = run('bag', 'extract', drive, '--out', tmp_path / 'set', '--json')
    assert (code, data['pairs'], data['path']) == (0, 4, str(tmp_path / 'set'))
    samples = open_dataset(tmp_path / 'set')
    assert len(samples) == 4
    assert samples[3].label_map is not None
    assert np.all(samples[3].label_map == 3)
    out = tmp_path / 'again.mcap'
    code, data = run('bag', 'pack', tmp_path / 'set', '--out', out, '--bits', 16, '--json')
    assert code == 0
    assert data['path'] == str(out)
    with BagReader(out) as reader:
        counts = {topic.name: topic.count for topic in reader.topics()}
    assert data['messages'] == sum(counts.values())
    assert set(data['topics']) == set(counts)
    assert counts['/ground_truth/segmentation'] == counts['/thermal/image_raw'] == 4


def test_info_tells_topics_pairs_and_problems(run, drive):
    code, data = run('bag', 'info', drive, '--json')
    assert code == 0
    assert data['pairs'] == 4
    assert data['problems'] == []
    thermal = next(entry for entry in data['topics'] if entry['name'] == '/thermal/image_raw')
    assert thermal['type'] == 'sensor_msgs/msg/Image'
    assert thermal['count'] == 4
    assert thermal['rate_hz'] == pytest.approx(10.0)
    assert thermal['encoding'] == 'mono8'
    assert run('bag', 'info', drive)[0] == 0


def test_torn_bag_is_exit_1_with_what_was_achieved(run, drive, tmp_path):
    drive.write_bytes(drive.read_bytes()[:-200])
    code, data = run('bag', 'extract', drive, '--out', tmp_path / 'set', '--json')
    assert (code, data['pairs'], data['error']['kind']) == (1, 4, 'data')
    code, data = run('bag', 'info', drive, '--json')
    assert code == 1
    assert 'torn' in data['problems'][0]


@pytest.mark.parametrize('verb', ['info', 'extract'])
def test_missing_bag_is_exit_2(run, tmp_path, verb):
    more = ['--out', tmp_path / 'out'] if verb == 'extract' else []
    code, data = run('bag', verb, tmp_path / 'none', *more, '--json')
    assert code == 2
    assert set(data['error']) == {'kind', 'message', 'hint'}


def test_wrong_topic_is_exit_2_and_names_the_candidates(run, drive):
    code, data = run('bag', 'info', drive, '--thermal', '/nope', '--json')
    assert code == 2
    assert '/thermal/image_raw' in data['error']['message']


def test_pack_refuses_a_taken_path_and_a_missing_set(run, drive, tmp_path):
    code, data = run('bag', 'pack', tmp_path / 'none', '--out', tmp_path / 'x.mcap', '--json')
    assert code == 2
    run('bag', 'extract', drive, '--out', tmp_path / 'set')
    code, data = run('bag', 'pack', tmp_path / 'set', '--out', drive, '--json')
    assert code == 2
    assert '--overwrite' in data['error']['hint']


@pytest.mark.parametrize('format_', ['mcap', 'sqlite3', 'dataset'])
def test_synth_writes_every_format(run, tmp_path, format_):
    out = tmp_path / 'drive'
    options = ('--frames', 2, '--size', '96x64', '--format', format_, '--json')
    code, data = run('synth', '--out', out, *options)
    assert code == 0
    assert data == {'frames': 2, 'pairs': 2, 'path': str(out)}
    if format_ == 'dataset':
        assert len(open_dataset(out)) == 2
    else:
        with BagReader(out) as reader:
            counts = {topic.name: topic.count for topic in reader.topics()}
        assert counts['/ground_truth/segmentation'] == counts['/rgb/image_raw'] == 2
        assert counts['/ground_truth/detections'] == counts['/ground_truth/rgb_detections'] == 2


def test_synth_into_one_file_is_deterministic(run, tmp_path):
    for name in ('a.mcap', 'b.mcap'):
        options = ('--frames', 2, '--size', '96x64', '--seed', 5, '--night')
        assert run('synth', '--out', tmp_path / name, *options)[0] == 0
    assert (tmp_path / 'a.mcap').read_bytes() == (tmp_path / 'b.mcap').read_bytes()


@pytest.mark.parametrize('option', [('--size', '96'), ('--drop', 2), ('--format', 'zip')])
def test_synth_refuses_nonsense(run, tmp_path, option):
    code, data = run('synth', '--out', tmp_path / 'x.mcap', *option, '--json')
    assert code == 2
    assert data['error']['kind'] == 'config'
    assert not (tmp_path / 'x.mcap').exists()


def test_replay_prints_the_keys_of_the_contract(run, drive, tiny_bundle, tmp_path):
    out = tmp_path / 'out'
    code, data = run('replay', drive, '--model', tiny_bundle, '--out', out, '--json')
    assert code == 0
    keys = 'thermal answered pairs unpaired dropped dropped_by rejected_by detections fps'
    assert {*keys.split(), 'latency_ms', 'metrics'} <= set(data)
    assert set(data['latency_ms']) == {'decode', 'wait', 'infer', 'encode', 'total'}
    assert set(data['latency_ms']['total']) == {'p50', 'p95', 'p99', 'max', 'mean'}
    assert {'results.mcap', 'summary.json', 'report.html'} == {p.name for p in out.iterdir()}


def test_replay_of_a_torn_bag_is_exit_1(run, drive, tiny_bundle, tmp_path):
    drive.write_bytes(drive.read_bytes()[:-200])
    options = ('--model', tiny_bundle, '--out', tmp_path / 'out', '--json')
    code, data = run('replay', drive, *options)
    assert (code, data['answered']) == (1, 4)
    assert 'torn' in data['error']['message']


def test_replay_without_model_or_usable_frame_is_exit_2(run, drive, tiny_bundle, tmp_path):
    code, data = run('replay', drive, '--model', tmp_path / 'none', '--json')
    assert (code, data['error']['kind']) == (2, 'bundle')
    options = ('--model', tiny_bundle, '--out', tmp_path / 'out', '--json')
    code, data = run('replay', drive, '--set', 'max_pixels=1024', *options)
    assert code == 2
    assert data['thermal'] == 4
    assert 'no usable frame' in data['error']['message']


def test_replay_names_the_nearest_parameter_of_a_typo(run, drive, tmp_path):
    code, data = run('replay', drive, '--set', 'score_treshold=0.5', '--json')
    assert code == 2
    assert 'score_threshold' in data['error']['hint']


def test_demo_runs_twice_into_one_folder(run, tiny_bundle, tmp_path, monkeypatch):
    for _ in range(2):
        options = ('--out', tmp_path / 'demo', '--model', tiny_bundle, '--frames', 4, '--json')
        code, data = run('demo', *options)
        assert (code, data['answered']) == (0, 4)
        assert data['metrics']['miou'] is not None
    assert (tmp_path / 'demo/drive.mcap').exists()


def test_demo_without_its_model_says_so_at_once(run, tmp_path):
    code, data = run('demo', '--out', tmp_path / 'demo', '--model', tmp_path / 'none', '--json')
    assert (code, data['error']['kind']) == (2, 'bundle')
    assert not (tmp_path / 'demo').exists()
