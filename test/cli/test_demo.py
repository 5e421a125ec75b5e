from __future__ import annotations


def test_demo_runs_twice_into_one_folder(drive, run, tiny_bundle, tmp_path, monkeypatch):
    for _ in range(2):
        options = ('--out', tmp_path / 'demo', '--model', tiny_bundle, '--frames', 2, '--json')
        code, data = run('demo', *options)
        assert (code, data['answered']) == (0, 2)
        assert data['metrics']['miou'] is not None
    assert (tmp_path / 'demo/drive.mcap').exists()


def test_demo_without_its_model_says_so_at_once(run, tmp_path):
    code, data = run('demo', '--out', tmp_path / 'demo', '--model', tmp_path / 'none', '--json')
    assert (code, data['error']['kind']) == (2, 'bundle')
    assert not (tmp_path / 'demo').exists()
