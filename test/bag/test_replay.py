from __future__ import annotations

import json

from mcap.reader import make_reader
import numpy as np
import pytest
from rosbags.highlevel import AnyReader

from xspec_ros.bag.pack import pack
from xspec_ros.bag.reader import BagReader
from xspec_ros.bag.session import replay_bag, ReplayJob
from xspec_ros.bag.writer import BagWriter
from xspec_ros.cli.progress import progress_bar
from xspec_ros.core.truth import Boxes
from xspec_ros.datasets import Sample
from xspec_ros.errors import DataError
from xspec_ros.messages.detections import decode_detections
from xspec_ros.messages.image import decode_image_message, encode_image
from xspec_ros.messages.topics import (
    ANNOTATIONS,
    CONFIDENCE,
    DETECTIONS,
    IMAGE_TYPE,
    LABEL_INFO,
    OVERLAY,
    SEGMENTATION,
    THERMAL,
)
from xspec_ros.perception.settings import InputSettings, Settings

SIZE = (48, 64)
FRAMES = 6


def samples(count=FRAMES):
    rng = np.random.default_rng(3)
    for index in range(count):
        thermal = np.linspace(20, 200, SIZE[0] * SIZE[1]).reshape(SIZE)
        yield Sample(
            name=str(index),
            rgb=rng.integers(0, 256, (*SIZE, 3)).astype(np.uint8),
            thermal=(thermal + rng.normal(0, 3, SIZE)).clip(0, 255).astype(np.uint8),
            label_map=rng.integers(0, 11, SIZE).astype(np.uint8),
            boxes_thermal=Boxes.of([[4, 4, 20, 30]], [index % 3]),
        )


@pytest.fixture
def bag(tmp_path):
    path = tmp_path / 'drive.mcap'
    with BagWriter(path) as writer:
        pack(samples(), writer, bits=16)
    return path


def settings(bundle, **more):
    given = {'model': str(bundle), 'engine': 'onnxruntime', 'threads': 1, **more}
    return Settings(**given)


def replay(bag, bundle, out, *, progress=progress_bar, job=None, **more):
    return replay_bag(
        ReplayJob(bag=bag, settings=settings(bundle, **more), out=out, **(job or {})), progress
    )


def thermal_stamps(path):
    with BagReader(path) as reader:
        return [
            decode_image_message(record.cdr, max_bytes=10**7).stamp_ns
            for record in reader.messages([THERMAL])
        ]


def test_every_frame_is_answered_with_its_own_stamp(bag, tiny_bundle, tmp_path):
    found = replay(bag, tiny_bundle, tmp_path / 'out')
    assert found.error is None
    for key, value in {'thermal': FRAMES, 'answered': FRAMES, 'pairs': FRAMES}.items():
        assert found.summary[key] == value
    assert found.summary['dropped'] == 0
    stamps = thermal_stamps(bag)
    with BagReader(tmp_path / 'out/results.mcap') as results:
        counts = {topic.name: topic.count for topic in results.topics()}
        for topic in (SEGMENTATION, CONFIDENCE, DETECTIONS, ANNOTATIONS, OVERLAY):
            assert counts[topic] == FRAMES
        assert counts[LABEL_INFO] == 1
        images = {
            topic: [
                decode_image_message(record.cdr, max_bytes=10**7)
                for record in results.messages([topic])
            ]
            for topic in (SEGMENTATION, CONFIDENCE, OVERLAY)
        }
        boxes = [
            decode_detections(record.cdr, ['person', 'bicycle', 'car']).stamp_ns
            for record in results.messages([DETECTIONS])
        ]
    assert boxes == stamps
    for topic, messages in images.items():
        assert [message.stamp_ns for message in messages] == stamps
        assert {message.frame_id for message in messages} == {'thermal_optical'}
        assert {(m.height, m.width) for m in messages} == {SIZE}
        channels = 3 if topic == OVERLAY else 1
        assert {m.encoding for m in messages} == {'rgb8' if channels == 3 else 'mono8'}
        assert {m.step for m in messages} == {SIZE[1] * channels}


def test_results_are_read_by_mcap_and_rosbags(bag, tiny_bundle, tmp_path):
    replay(bag, tiny_bundle, tmp_path / 'out')
    path = tmp_path / 'out/results.mcap'
    with path.open('rb') as file:
        names = {schema.name for schema, _, _ in make_reader(file).iter_messages()}
    assert {'vision_msgs/msg/Detection2DArray', 'foxglove_msgs/msg/ImageAnnotations'} <= names
    with AnyReader([path]) as reader:
        for connection, _, raw in reader.messages():
            reader.deserialize(raw, connection.msgtype)


def test_truth_is_evaluated_and_summary_and_report_are_written(bag, tiny_bundle, tmp_path):
    found = replay(bag, tiny_bundle, tmp_path / 'out')
    metrics = found.summary['metrics']
    assert 0.0 <= metrics['miou'] <= 1.0
    assert 0.0 <= metrics['map50'] <= 1.0
    assert set(metrics['per_class']['car']) >= {'iou', 'ap50'}
    summary = json.loads((tmp_path / 'out/summary.json').read_text())
    assert summary['answered'] == FRAMES
    page = (tmp_path / 'out/report.html').read_text()
    assert page.count('data:image/jpeg') == 3 * FRAMES
    assert 'http' not in page.replace('http-equiv', '')


def test_without_truth_metrics_are_null(tiny_bundle, tmp_path):
    path = tmp_path / 'plain.mcap'
    with BagWriter(path) as writer:
        pack((Sample(name=s.name, thermal=s.thermal) for s in samples()), writer)
    found = replay(path, tiny_bundle, tmp_path / 'out')
    assert found.summary['metrics']['miou'] is None
    assert found.summary['metrics']['map50'] is None
    assert found.problems == ['no rgb images']
    assert found.error is None


def test_torn_bag_is_processed_up_to_the_tear(bag, tiny_bundle, tmp_path):
    whole = bag.read_bytes()
    bag.write_bytes(whole[: int(len(whole) * 0.6)])
    expected = len(thermal_stamps(bag))
    found = replay(bag, tiny_bundle, tmp_path / 'out')
    assert 0 < expected < FRAMES
    assert found.summary['thermal'] == found.summary['answered'] == expected
    assert 'torn' in str(found.error)
    with BagReader(tmp_path / 'out/results.mcap') as results:
        assert len(list(results.messages([SEGMENTATION]))) == expected
        assert results.tear is None


def test_ctrl_c_keeps_closed_results(bag, tiny_bundle, tmp_path):
    from contextlib import contextmanager

    calls = []

    def press():
        calls.append(1)
        if len(calls) == 5:
            raise KeyboardInterrupt

    @contextmanager
    def interrupting(text, total):
        yield press

    found = replay(bag, tiny_bundle, tmp_path / 'out', progress=interrupting)
    assert found.interrupted
    assert 0 < found.summary['answered'] < FRAMES
    assert 'Ctrl-C' in str(found.error)
    with BagReader(tmp_path / 'out/results.mcap') as results:
        assert len(list(results.messages([SEGMENTATION]))) == found.summary['answered']
        assert results.tear is None
    assert json.loads((tmp_path / 'out/summary.json').read_text())


def test_full_disk_keeps_perceiving_and_the_partial_results(
    bag, tiny_bundle, tmp_path, small_disk
):
    replay(bag, tiny_bundle, tmp_path / 'whole')
    size = (tmp_path / 'whole/results.mcap').stat().st_size
    with small_disk(size // 2):
        found = replay(bag, tiny_bundle, tmp_path / 'out', job={'report': False})
    assert found.summary['answered'] == FRAMES
    assert found.summary['metrics']['miou'] is not None
    assert 'cannot be written' in str(found.error)
    with BagReader(tmp_path / 'out/results.mcap') as results:
        assert len(list(results)) > 0
        assert results.tear is None


def test_bad_frames_are_counted_and_the_rest_is_answered(bag, tiny_bundle, tmp_path):
    path = tmp_path / 'bad.mcap'
    good = encode_image(
        np.arange(64, dtype=np.uint8).reshape(8, 8), stamp_ns=10**9, frame_id='t', encoding='mono8'
    )
    shutter = encode_image(
        np.full((8, 8), 7, np.uint8), stamp_ns=2 * 10**9, frame_id='t', encoding='mono8'
    )
    with BagWriter(path) as writer:
        for index, cdr in enumerate([good, good, good[:-20], shutter, b'\0\1\0\0']):
            writer.write(THERMAL, IMAGE_TYPE, cdr, index)
    found = replay(path, tiny_bundle, tmp_path / 'out')
    summary = found.summary
    assert summary['thermal'] == 5
    assert summary['answered'] == 1
    assert summary['rejected_by']['shutter'] == 1
    assert sum(summary['rejected_by'].values()) == 3
    assert sum(summary['dropped_by'].values()) == summary['dropped'] == 1
    assert found.error is None


def test_a_bag_without_usable_frame_is_an_error(tiny_bundle, tmp_path):
    path = tmp_path / 'bad.mcap'
    with BagWriter(path) as writer:
        writer.write(THERMAL, IMAGE_TYPE, b'\0\1\0\0', 1)
    found = replay(path, tiny_bundle, tmp_path / 'out')
    assert not found.usable
    assert 'no usable frame' in str(found.error)


def test_missing_or_wrong_topics_name_what_is_there(bag, tiny_bundle, tmp_path):
    missing = InputSettings(topic='/nothing')
    with pytest.raises(DataError, match=r'candidates: .*/thermal/image_raw'):
        replay(bag, tiny_bundle, tmp_path / 'out', thermal=missing)
    wrong = InputSettings(topic='/ground_truth/detections')
    with pytest.raises(DataError, match='has type vision_msgs'):
        replay(bag, tiny_bundle, tmp_path / 'out', thermal=wrong)
    assert not (tmp_path / 'out').exists()


def test_bag_without_messages_is_an_error(tiny_bundle, tmp_path):
    BagWriter(tmp_path / 'empty.mcap').close()
    with pytest.raises(DataError, match='no topic /thermal/image_raw'):
        replay(tmp_path / 'empty.mcap', tiny_bundle, tmp_path / 'out')


def test_real_time_replay_accounts_for_every_frame(bag, tiny_bundle, tmp_path):
    found = replay(bag, tiny_bundle, tmp_path / 'out', job={'rate': 20.0})
    summary = found.summary
    assert summary['thermal'] == FRAMES
    assert summary['answered'] + summary['dropped'] + summary['rejected'] == FRAMES
    assert summary['answered'] >= 1


def test_unordered_copy_gives_the_same_results(bag, tiny_bundle, tmp_path):
    with BagReader(bag) as reader:
        records = [(r.topic, r.type_name, bytes(r.cdr), r.log_ns) for r in reader]
    mixed = tmp_path / 'mixed.mcap'
    with BagWriter(mixed) as writer:
        for topic, type_name, cdr, log_ns in records[::2] + records[1::2]:
            writer.write(topic, type_name, cdr, log_ns)
    outputs = []
    for name, path in (('a', bag), ('b', mixed)):
        replay(path, tiny_bundle, tmp_path / name)
        with BagReader(tmp_path / name / 'results.mcap') as results:
            outputs.append([bytes(r.cdr) for r in results.messages([SEGMENTATION, DETECTIONS])])
    assert outputs[0] == outputs[1]
