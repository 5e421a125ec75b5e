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

"""Answers that came over the air have the figures of a replay."""

from __future__ import annotations

from dataclasses import replace
import json

import pytest

from xspec_ros.bag.evaluate_results import evaluate_results, EvaluationJob, find_inputs
from xspec_ros.bag.heard import AnswerRecorder, Heard, read_frames
from xspec_ros.bag.reader import BagReader
from xspec_ros.bag.results import read_results
from xspec_ros.bundle.store import open_bundle
from xspec_ros.core.metrics import MINIMUM_SCORE
from xspec_ros.errors import DataError
from xspec_ros.messages.labels import encode_label_info
from xspec_ros.messages.topics import IMAGE_TYPE, LABEL_INFO, LABEL_INFO_TYPE, THERMAL
from xspec_ros.perception.pipeline import open_pipeline
from xspec_ros.perception.settings import Settings

FRAMES = 6
COUNTS = {'thermal': 6, 'answered': 6, 'dropped': 0, 'rejected': 0, 'pairs': 6}


@pytest.fixture
def job(bag, tiny_bundle, tmp_path):
    return EvaluationJob(bag=bag, out=tmp_path / 'live', model=str(tiny_bundle))


@pytest.fixture
def listen(job):
    """Return a function that answers the bag as a live node would and records the answers."""

    def record(*, frames=FRAMES, score=MINIMUM_SCORE, labels=None):
        settings = Settings(
            model=job.model, engine='onnxruntime', threads=1, score_threshold=score
        )
        pipeline = open_pipeline(settings)
        job.out.mkdir()
        with BagReader(job.bag) as bag:
            known = read_frames(bag, find_inputs(job, bag), 'thermal')
            recorder = AnswerRecorder(job.out / 'results.mcap', known)
            for message in pipeline.latched():
                cdr = labels or message.cdr
                recorder.take(message.topic, message.type_name, cdr, 0)
            for index, each in enumerate(bag.messages([THERMAL])):
                if index >= frames:
                    break
                now_ns = index * 10**8
                recorder.see(each.cdr, now_ns)
                for work in pipeline.accept('thermal', IMAGE_TYPE, each.cdr, received_ns=1):
                    for message in pipeline.run(work).messages:
                        sent = message.topic, message.type_name, message.cdr
                        recorder.take(*sent, now_ns + 5 * 10**6)
        recorder.close()
        pipeline.close()
        return recorder

    return record


def test_the_figures_are_those_of_a_replay(listen, job, replay, bag, tiny_bundle, tmp_path):
    recorder = listen()
    assert recorder.complete
    found = evaluate_results(job, recorder.heard())
    expected = replay(bag, tiny_bundle, tmp_path / 'replay')
    assert found.summary['metrics'] == expected.summary['metrics']
    for key in ('thermal', 'rgb', 'answered', 'judged', 'detections', 'model'):
        assert found.summary[key] == expected.summary[key]
    assert (found.error, found.exit_code, found.summary['missing']) == (None, 0, 0)
    assert found.summary['latency_ms']['total']['p50'] == pytest.approx(5.0)
    assert json.loads((job.out / 'summary.json').read_text())['answered'] == FRAMES
    page = (job.out / 'report.html').read_text()
    assert page.count('data:image/jpeg') == 3 * FRAMES


def test_frames_that_nobody_accounts_for_make_it_a_part(listen, job):
    listen(frames=4)
    found = evaluate_results(job, Heard(counts={'dropped': 1, 'rejected': 0}))
    assert (found.exit_code, found.summary['answered'], found.summary['missing']) == (1, 4, 1)
    assert '1 of 6 frames' in str(found.error)
    assert found.summary['judged'] == 4
    assert 'no answer (2)' in (job.out / 'report.html').read_text()


def test_frames_that_the_node_counted_as_lost_are_no_fault(listen, job):
    listen(frames=4)
    found = evaluate_results(job, Heard(counts={'dropped': 2, 'dropped_by': {'overflow': 2}}))
    assert (found.exit_code, found.error) == (0, None)


def test_no_answer_is_nothing(listen, job):
    listen(frames=0)
    found = evaluate_results(job)
    assert found.exit_code == 2
    assert 'no answer to any of the 6 frames' in str(found.error)
    assert not (job.out / 'report.html').exists()


def test_answers_of_a_model_with_other_classes_are_refused(listen, job):
    listen(labels=encode_label_info(['sea'], stamp_ns=0, frame_id='', threshold=0.0))
    with pytest.raises(DataError, match='classes sea'):
        evaluate_results(job)


def test_another_model_is_told_and_that_diagnostics_are_missing(listen, job):
    heard = listen().heard()
    found = evaluate_results(job, Heard(counts=COUNTS, engine={'hash': 'feed'}))
    assert any('another model' in problem for problem in found.problems)
    assert heard.counts == {}
    assert any('no diagnostics' in text for text in evaluate_results(job, heard).problems)


def test_boxes_that_end_at_the_threshold_were_cut_off_there(listen, job):
    listen()
    manifest = open_bundle(job.model).manifest
    with BagReader(job.out / 'results.mcap') as results:
        answers = list(read_results(results, manifest, 'thermal'))
    lowest = min(float(answer.detections.scores.min(initial=1.0)) for answer in answers)
    for threshold, is_told in ((lowest - 0.01, True), (lowest - 0.2, False)):
        found = evaluate_results(replace(job, score_threshold=threshold), Heard(counts=COUNTS))
        assert any('AP misses the weak' in problem for problem in found.problems) == is_told


def test_answers_to_other_frames_are_counted_apart(listen, job, labelled_bag):
    listen()
    found = evaluate_results(
        EvaluationJob(bag=labelled_bag, out=job.out, model=job.model), Heard(counts=COUNTS)
    )
    assert found.summary['foreign'] >= FRAMES - 3
    assert any('not in the bag' in problem for problem in found.problems)


def test_a_bag_without_the_camera_or_results_is_an_error(job):
    with pytest.raises(DataError, match=r'results\.mcap'):
        evaluate_results(job)
    strange = EvaluationJob(bag=job.bag, out=job.out, thermal='/boson/image_raw')
    with BagReader(job.bag) as bag, pytest.raises(DataError, match='boson'):
        find_inputs(strange, bag)


def test_label_info_alone_is_no_answer(job, tmp_path):
    job.out.mkdir()
    with BagReader(job.bag) as bag:
        known = read_frames(bag, find_inputs(job, bag), 'thermal')
    recorder = AnswerRecorder(job.out / 'results.mcap', known)
    names = ['road']
    cdr = encode_label_info(names, stamp_ns=0, frame_id='', threshold=0.0)
    recorder.take(LABEL_INFO, LABEL_INFO_TYPE, cdr, 0)
    recorder.close()
    assert recorder.active
    assert not recorder.complete
