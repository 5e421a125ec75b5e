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

"""Plain words about trouble on a real bus, and about bundles that come while it runs."""

import itertools
import json
import shutil
from threading import Event, Thread

import msgspec
import pytest

pytest.importorskip('cyclonedds')
pytest.importorskip('onnxruntime')

from xspec_ros.dds.live import live
from xspec_ros.dds.play import play
from xspec_ros.dds.qos import LATCHED, Profile
from xspec_ros.messages.diagnostics import decode_diagnostics, ERROR
from xspec_ros.messages.image import encode_image
from xspec_ros.messages.labels import decode_label_info
from xspec_ros.messages.topics import (
    IMAGE_TYPE,
    LABEL_INFO,
    LABEL_INFO_TYPE,
    RGB,
    THERMAL,
)

DEADLINE_S = 20.0
ALL = Profile(depth=1000)


def until_both_are_told(settings, domain):
    """Run until something was said of either camera; return the report and what was said."""
    told, stop = [], Event()

    def take(notice):
        told.append(notice)
        if len(told) == 2:
            stop.set()

    report = live(settings, domain=domain, seconds=DEADLINE_S, stop=stop, on_notice=take)
    return report, told


def test_nobody_publishing_is_explained(settings, domain):
    report, told = until_both_are_told(settings, domain)
    assert [notice.kind for notice in told] == ['no_publisher', 'no_publisher']
    assert [notice.level for notice in told] == ['error', 'warning']
    assert f'this is {domain}' in told[0].text
    assert report.summary['answered'] == 0


@pytest.mark.parametrize(
    ('topic', 'type_name', 'kind', 'said'),
    [
        (THERMAL, IMAGE_TYPE, 'quiet', 'camera not started'),
        (THERMAL, LABEL_INFO_TYPE, 'type', LABEL_INFO_TYPE),
        ('/boson/image_raw', IMAGE_TYPE, 'no_publisher', '/boson/image_raw'),
    ],
)
def test_a_silent_publisher_is_explained_by_what_is_in_sight(
    settings, domain, bus, topic, type_name, kind, said
):
    writer = bus.writer(topic, type_name, ALL)
    _, told = until_both_are_told(settings, domain)
    assert writer.topic == topic  # it lives as long as it is named
    thermal = [notice for notice in told if notice.text.startswith('thermal: ')]
    assert [notice.kind for notice in thermal] == [kind]
    assert said in thermal[0].text


def test_dead_camera_is_named_and_the_other_goes_on(
    settings, domain, listener, new_topic, drive, run
):
    records = [record for record in drive(14) if record.topic == THERMAL or record.log_ns < 1.2e9]
    told = []

    def script():
        play(lambda: records, [new_topic(RGB), new_topic(THERMAL)], domain=domain, wait_for=2)
        named = lambda _: any(notice.kind == 'dead' for notice in told)  # noqa: E731
        return listener.collect(listener.segmentation, named)

    report, masks = run(settings, domain, script, on_notice=told.append)
    dead = [notice for notice in told if notice.kind == 'dead']
    assert dead[0].level == 'warning'  # mode thermal does without it
    assert dead[0].text.startswith(f'rgb camera is dead: {RGB}')
    assert report.summary['answered'] > 4
    assert masks


def test_silent_camera_shows_in_diagnostics(settings, domain, listener, new_topic, drive, run):
    records = [record for record in drive(2) if record.topic == THERMAL]

    def script():
        play(lambda: records, [new_topic(THERMAL)], domain=domain, wait_for=1)

        def silent(found):
            return any(
                status.level == ERROR for cdr in found for status in decode_diagnostics(cdr)
            )

        return silent(listener.collect(listener.diagnostics, silent))

    _, seen = run(settings, domain, script)
    assert seen


def new_bundle(source, target, name, confidence):
    """Copy a bundle under another name and confidence threshold."""
    shutil.copytree(source, target)
    manifest = json.loads((target / 'bundle.json').read_text())
    manifest['name'] = name
    manifest['thresholds']['confidence'] = confidence
    (target / 'bundle.json').write_text(json.dumps(manifest))
    return target


class Stream:
    """A thermal camera at 20 Hz in its own thread, until it is stopped."""

    def __init__(self, records, topic, domain):
        self.stop = Event()
        self.thread = Thread(target=self.run, args=(records, topic, domain))
        self.thread.start()

    def run(self, records, topic, domain):
        play(records, [topic], domain=domain, wait_for=1, stop=self.stop)

    def close(self):
        self.stop.set()
        self.thread.join(DEADLINE_S)


@pytest.fixture
def thermal_stream(domain, new_topic, new_record, counts, stamp_ns):
    """Return a function that starts such a camera."""

    def records():
        for index in itertools.count():
            cdr = encode_image(
                counts(index % 8), stamp_ns=stamp_ns(index), frame_id='t', encoding='mono16'
            )
            yield new_record(THERMAL, memoryview(cdr), stamp_ns(index))

    return lambda: Stream(records, new_topic(THERMAL), domain)


def test_a_bundle_that_replaces_the_models_folder_is_swapped_in_and_a_bad_one_is_not(
    settings, domain, listener, tiny_bundle, tmp_path, run, thermal_stream
):
    folder = new_bundle(tiny_bundle, tmp_path / 'served', 'first', 0.0)
    labels = listener.bus.reader(LABEL_INFO, LABEL_INFO_TYPE, LATCHED)
    told, thresholds = [], []

    def heard(kind):
        def enough(_):
            thresholds.extend(decode_label_info(cdr).threshold for cdr in labels.take())
            return any(notice.kind == kind for notice in told)

        return enough

    def script():
        stream = thermal_stream()
        try:
            listener.collect(listener.segmentation, lambda found: len(found) > 10)
            folder.rename(tmp_path / 'gone')
            new_bundle(tiny_bundle, tmp_path / 'new', 'second', 0.25).rename(folder)
            listener.collect(listener.segmentation, heard('swapped'))
            listener.collect(listener.segmentation, lambda found: len(found) > 10)
            with (folder / 'thermal.fp32.onnx').open('ab') as file:
                file.write(b'damage')
            listener.collect(listener.segmentation, heard('swap_refused'))
            listener.collect(listener.segmentation, lambda found: len(found) > 10)
            heard('')(None)
        finally:
            stream.close()

    report, _ = run(
        msgspec.structs.replace(settings, model=str(folder)),
        domain,
        script,
        on_notice=told.append,
        seconds=6 * DEADLINE_S,
    )
    summary = report.summary
    assert [n.kind for n in told if 'swap' in n.kind] == ['swapped', 'swap_refused']
    assert (summary['swaps'], summary['swaps_refused'], summary['model']) == (1, 1, 'second')
    assert summary['thermal'] == summary['answered'] + summary['rejected'] + summary['dropped']
    assert summary['answered'] > 30
    assert summary['rejected'] == 0
    assert thresholds == pytest.approx([0.0, 0.25])
