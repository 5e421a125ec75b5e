from __future__ import annotations

import numpy as np
import pytest

from xspec_ros.bag.extract import extract_pairs, Extraction
from xspec_ros.bag.info import summarise_bag
from xspec_ros.bag.inputs import choose_inputs
from xspec_ros.bag.pack import as_bits, pack
from xspec_ros.bag.reader import BagReader
from xspec_ros.bag.truth import TruthBook
from xspec_ros.bag.writer import BagWriter
from xspec_ros.core.labels import ClassLabel, UNLABELLED
from xspec_ros.core.sync import SyncSettings
from xspec_ros.core.truth import Boxes
from xspec_ros.datasets import Sample
from xspec_ros.errors import ConfigError, DataError
from xspec_ros.perception.settings import InputSettings

SIZE = (24, 32)
CAMERAS = {'rgb': InputSettings(), 'thermal': InputSettings()}


def samples() -> list[Sample]:
    """Return a labelled sample, one labelled as empty, and an unlabelled one."""
    rng = np.random.default_rng(0)
    made = []
    for name in 'abc':
        mask = rng.integers(0, 11, SIZE).astype(np.uint8)
        mask[0] = UNLABELLED
        boxes = Boxes.of(
            [[1, 2, 5, 9], [3, 3, 8, 8], [0, 0, 9, 9]], [2, 0, -1], [False, True, True]
        )
        made.append(
            Sample(
                name=name,
                rgb=rng.integers(0, 256, (*SIZE, 3)).astype(np.uint8),
                thermal=rng.integers(0, 256, SIZE).astype(np.uint8),
                label_map=mask if name == 'a' else None,
                boxes_thermal={'a': boxes, 'b': Boxes.empty()}.get(name),
            )
        )
    return made


@pytest.fixture
def bag(tmp_path):
    path = tmp_path / 'a.mcap'
    with BagWriter(path) as writer:
        pack(samples(), writer, rate_hz=20.0)
    return path


def test_pack_and_extract_give_the_same_samples(bag):
    state = Extraction()
    with BagReader(bag) as reader:
        inputs = choose_inputs(reader, CAMERAS, needed=())
        found = list(extract_pairs(reader, inputs, SyncSettings(), state=state))
    assert (state.pairs, state.written, state.rejected) == (3, 3, {})
    for sample, back in zip(samples(), found, strict=True):
        np.testing.assert_array_equal(sample.rgb, back.rgb)
        np.testing.assert_array_equal(sample.thermal, back.thermal)
        for one, two in ((sample.label_map, back.label_map),):
            assert (one is None) == (two is None)
            if one is not None:
                np.testing.assert_array_equal(one, two)
        assert (sample.boxes_thermal is None) == (back.boxes_thermal is None)
        if sample.boxes_thermal is not None:
            for name in ('boxes_xyxy', 'class_ids', 'crowd'):
                one = getattr(sample.boxes_thermal, name)
                np.testing.assert_array_equal(one, getattr(back.boxes_thermal, name))
        assert back.boxes_rgb is None


def test_every_takes_one_pair_out_of_so_many(bag):
    with BagReader(bag) as reader:
        inputs = choose_inputs(reader, CAMERAS, needed=())
        taken = list(extract_pairs(reader, inputs, SyncSettings(), every=2, state=Extraction()))
        assert len(taken) == 2
        with pytest.raises(ConfigError):
            list(extract_pairs(reader, inputs, SyncSettings(), every=0, state=Extraction()))


def test_truth_is_mapped_to_the_models_classes_by_name(bag):
    book = TruthBook(
        [ClassLabel(name='car'), ClassLabel(name='street', aliases=('road',))], ['car']
    )
    with BagReader(bag) as reader:
        for record in reader:
            book.take(record)
    stamp_ns = 1_700_000_000_000_000_000
    source = samples()[0].label_map
    assert source is not None
    found = book.label_map(stamp_ns, SIZE)
    assert found is not None
    np.testing.assert_array_equal(found == 0, source == 10)
    np.testing.assert_array_equal(found == 1, source == 0)
    assert set(np.unique(found)) == {0, 1, UNLABELLED}
    boxes = book.boxes(stamp_ns)
    assert boxes is not None
    assert boxes.class_ids.tolist() == [0, -1]


def test_truth_of_another_size_or_stamp_is_no_truth(bag):
    book = TruthBook()
    with BagReader(bag) as reader:
        for record in reader:
            book.take(record)
    assert book.label_map(1, SIZE) is None
    assert book.label_map(1_700_000_000_000_000_000, (9, 9)) is None
    assert book.problems


def test_sixteen_bits_keep_the_order_of_values():
    counts = as_bits(np.arange(256, dtype=np.uint8).reshape(16, 16), 16)
    assert counts.dtype == np.uint16
    assert np.all(np.diff(counts.ravel().astype(int)) > 0)
    assert counts.max() < 2**14
    with pytest.raises(DataError):
        as_bits(counts, 8)


def test_info_names_rates_and_encodings(bag):
    with BagReader(bag) as reader:
        found = summarise_bag(reader, choose_inputs(reader, CAMERAS, needed=()), SyncSettings())
    by_name = {entry['name']: entry for entry in found.topics}
    assert by_name['/thermal/image_raw']['encoding'] == 'mono8'
    assert by_name['/thermal/image_raw']['rate_hz'] == pytest.approx(20.0)
    assert by_name['/rgb/image_raw']['encoding'] == 'rgb8'
    assert found.pairs == 3
    assert found.problems == []


def test_info_names_gaps_repeated_and_backward_stamps(tmp_path):
    from xspec_ros.messages.image import encode_image
    from xspec_ros.messages.topics import IMAGE_TYPE, THERMAL

    path = tmp_path / 'odd.mcap'
    with BagWriter(path) as writer:
        for index, stamp_ms in enumerate([100, 200, 300, 300, 250, 400, 900, 1000]):
            image = np.zeros((4 if index else 8, 4), np.uint8)
            cdr = encode_image(image, stamp_ns=stamp_ms * 10**6, frame_id='t', encoding='mono8')
            writer.write(THERMAL, IMAGE_TYPE, cdr, index)
    with BagReader(path) as reader:
        found = summarise_bag(reader, choose_inputs(reader, CAMERAS, needed=()), SyncSettings())
    text = '\n'.join(found.problems)
    for word in ('no rgb images', 'repeat', 'jump back', 'gaps', 'size changes'):
        assert word in text
