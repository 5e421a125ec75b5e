from __future__ import annotations

FRAMES = 6


def test_real_time_replay_accounts_for_every_frame(replay, bag, tiny_bundle, tmp_path):
    found = replay(bag, tiny_bundle, tmp_path / 'out', job={'rate': 20.0})
    summary = found.summary
    assert summary['thermal'] == FRAMES
    assert summary['answered'] + summary['dropped'] + summary['rejected'] == FRAMES
    assert summary['answered'] >= 1
