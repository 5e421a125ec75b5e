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

"""A replay as one HTML page that needs nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from xspec_ros import __version__
from xspec_ros.core.labels import index_by_name
from xspec_ros.report.figures import histogram, picture_uri, timeline

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from xspec_ros.core.labels import ClassLabel
    from xspec_ros.report.data import Picture, ReplayReport

TEMPLATE = Path(__file__).parent / 'report.html'
KINDS = ('best', 'typical', 'worst')


def render(report: ReplayReport) -> str:
    """Return the page.

    Args:
        report: What to show.
    """
    return Template(TEMPLATE.read_text(encoding='utf-8')).substitute(
        title=escape(report.title),
        model_line=_model_line(report),
        run_line=_run_line(report.summary),
        problems=_problems(report.problems),
        tiles=_tiles(report.summary),
        metrics=_metrics(report),
        gallery=_gallery(report.pictures, report.manifest.classes),
        timeline=timeline(report.notes),
        histogram=histogram(
            [note.total_ms for note in report.notes if note.outcome == 'answered'], unit='ms'
        ),
        latency=_latency(report.summary),
        counts=_counts(report.summary),
        model=_model(report),
        version=escape(__version__),
    )


def _model_line(report: ReplayReport) -> str:
    manifest = report.manifest
    network = f'{manifest.network.name}, {", ".join(manifest.tasks)}'
    return (
        f'Model <b>{escape(manifest.name)}</b> ({escape(network)}; '
        f'{len(manifest.classes)} classes, '
        f'boxes for {escape(", ".join(manifest.detection_classes))}) '
        f'<code title="{escape(report.model_hash)}">{escape(report.model_hash[:16])}</code>'
    )


def _run_line(summary: Mapping[str, object]) -> str:
    engine, precision = (escape(str(summary.get(key, '?'))) for key in ('engine', 'precision'))
    mode = escape(str(summary.get('mode', 'thermal')))
    pace = summary.get('rate')
    speed = 'lock-step, nothing dropped' if pace is None else f'real time x {pace}'
    return f'Engine {engine} ({precision}), mode {mode}, {speed}'


def _problems(problems: Sequence[str]) -> str:
    if not problems:
        return ''
    lines = ''.join(f'<li>{escape(problem)}</li>' for problem in problems)
    return f'<section class="problems"><h2>Look at this first</h2><ul>{lines}</ul></section>'


def _tiles(summary: Mapping[str, object]) -> str:
    metrics = _mapping(summary.get('metrics'))
    total = _mapping(_mapping(summary.get('latency_ms')).get('total'))
    frames = summary.get('rgb' if summary.get('mode') == 'rgb' else 'thermal', 0)
    dropped = _number(summary.get('dropped'))
    tiles = [
        ('frames received', _text(frames), ''),
        ('answered', _text(summary.get('answered')), 'good'),
        ('dropped', _text(summary.get('dropped')), 'bad' if dropped else ''),
        ('pairs', _text(summary.get('pairs')), ''),
        ('detections', _text(summary.get('detections')), ''),
        ('frames a second', _text(summary.get('fps')), ''),
        ('latency p50, ms', _text(total.get('p50')), ''),
    ]
    for key, name in (('miou', 'mIoU'), ('map50', 'mAP50')):
        if metrics.get(key) is not None:
            tiles.append((name, f'{_number(metrics[key]):.3f}', 'good'))
    return ''.join(
        f'<div class="tile {kind}"><b>{escape(value)}</b><span>{escape(name)}</span></div>'
        for name, value, kind in tiles
    )


def _metrics(report: ReplayReport) -> str:
    metrics = _mapping(report.summary.get('metrics'))
    per_class = _mapping(metrics.get('per_class'))
    if all(metrics.get(key) is None for key in ('miou', 'map50')):
        return (
            '<section><h2>Agreement with the truth</h2><p class="note">The bag has no ground '
            'truth for the answered frames; pictures are ranked by confidence.</p></section>'
        )
    ids = index_by_name(report.manifest.classes)
    rows = []
    for name, values in per_class.items():
        figures = _mapping(values)
        if all(figures.get(key) is None for key in ('iou', 'ap50')):
            continue
        colour = report.manifest.classes[ids[name]].colour if name in ids else (128, 128, 128)
        swatch = f'<span class="swatch" style="background:rgb{colour}"></span>'
        cells = (_bar(figures.get('iou')), _bar(figures.get('ap50')), _share(figures.get('ap')))
        rows.append((swatch + escape(name), *cells))
    means = ('<b>mean</b>', _bar(metrics.get('miou')), _bar(metrics.get('map50')))
    rows.append((*means, _share(metrics.get('map'))))
    table = _table(('class', 'IoU', 'AP50', 'AP'), rows)
    judged = _text(report.summary.get('judged'))
    note = (
        f'{judged} answered frames have truth. IoU: unlabelled pixels left out, mean over the '
        'classes present in the truth. AP: COCO rules, all boxes with a score of at least 0.01.'
    )
    return f'<section><h2>Agreement with the truth</h2>{table}<p class="note">{note}</p></section>'


def _gallery(pictures: Sequence[Picture], classes: Sequence[ClassLabel]) -> str:
    if not pictures:
        return ''
    ordered = sorted(pictures, key=lambda picture: KINDS.index(picture.title))
    frames = []
    for picture in ordered:
        panels = ''.join(
            f'<figure><img alt="{escape(name)}" src="{picture_uri(image)}">'
            f'<figcaption>{escape(name)}</figcaption></figure>'
            for name, image in picture.panels
        )
        kind = escape(picture.title)
        frames.append(
            f'<div class="frame"><h3><span class="tag {kind}" style="color:#fff">{kind}</span>'
            f'<span>{escape(picture.caption)}</span></h3><div class="panels">{panels}</div></div>'
        )
    return f'<section><h2>Frames</h2>{_legend(classes)}{"".join(frames)}</section>'


def _legend(classes: Sequence[ClassLabel]) -> str:
    swatches = ''.join(
        f'<span><span class="swatch" style="background:rgb{label.colour}"></span>'
        f'{escape(label.name)}</span>'
        for label in classes
    )
    return f'<div class="legend">{swatches}</div>'


def _latency(summary: Mapping[str, object]) -> str:
    stages = _mapping(summary.get('latency_ms'))
    keys = ('p50', 'p95', 'p99', 'max', 'mean')
    rows = [
        (escape(stage), *(_text(_mapping(values).get(key)) for key in keys))
        for stage, values in stages.items()
    ]
    return _table(('stage', *keys), rows)


def _counts(summary: Mapping[str, object]) -> str:
    keys = (
        'thermal', 'rgb', 'received', 'answered', 'degraded', 'rgb_alone', 'pairs', 'unpaired',
        'dropped', 'rejected', 'missing', 'foreign',
    )  # fmt: skip
    rows = [(key, _text(summary[key])) for key in keys if key in summary]
    for group in ('degraded_by', 'dropped_by', 'rejected_by', 'rejected_rgb_by', 'warnings'):
        label = group.replace('_by', '').replace('_', ' ')
        rows += [
            (f'{escape(label)}: {escape(str(cause))}', _text(count))
            for cause, count in sorted(_mapping(summary.get(group)).items())
            if count
        ]
    return _table(('what', 'messages'), rows)


def _model(report: ReplayReport) -> str:
    manifest = report.manifest
    rows = [
        ('name', escape(manifest.name)),
        ('hash', f'<code>{escape(report.model_hash[:32])}</code>'),
        ('modes', escape(', '.join(manifest.modes()))),
        ('precisions', escape(', '.join(manifest.precisions))),
        ('network size', f'{manifest.input.network_hw[1]} x {manifest.input.network_hw[0]}'),
        ('code version', escape(manifest.provenance.code_version or '-')),
    ]
    for source in manifest.provenance.data:
        fold, count = source.get('fold') or '', source.get('pictures') or ''
        name = escape(str(source.get('name', '?')))
        rows.append((f'trained on {name}', escape(f'{fold} {count}'.strip())))
    return _table(('', ''), rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    top = ''.join(f'<th>{escape(cell)}</th>' for cell in head) if any(head) else ''
    body = ''.join(
        '<tr>'
        + ''.join(
            f'<td{" class=name" if column == 0 else ""}>{cell}</td>'
            for column, cell in enumerate(row)
        )
        + '</tr>'
        for row in rows
    )
    return f'<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>'


def _bar(value: object) -> str:
    if not isinstance(value, int | float):
        return '-'
    return f'{value:.3f}<span class="bar"><i style="width:{100 * value:.0f}%"></i></span>'


def _share(value: object) -> str:
    return f'{value:.3f}' if isinstance(value, int | float) else '-'


def _text(value: object) -> str:
    """Return a figure for people."""
    if value is None:
        return '-'
    if isinstance(value, float):
        return (
            f'{value:.0f}' if value >= 1000 else f'{value:.1f}' if value >= 10 else f'{value:.2f}'
        )
    return escape(str(value))


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}
