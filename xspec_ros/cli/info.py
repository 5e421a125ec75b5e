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

"""``xspec info``: what a bundle says about itself."""

from __future__ import annotations

from typing import Annotated

import typer

from xspec_ros.cli.output import DebugOption, JsonOption, Outcome, run_verb


def command(
    model: Annotated[str, typer.Argument(help='Bundle folder or shipped name.')] = 'default',
    *,
    json_output: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Check a bundle and show its model card.

    \b
    Examples:
      xspec info
      xspec info default --json
      xspec info out/model
    """  # noqa: D301 - click wants the character

    def work() -> Outcome:
        import msgspec

        from xspec_ros.bundle.card import model_card
        from xspec_ros.bundle.store import bundle_hash, open_bundle

        bundle = open_bundle(model)
        manifest = bundle.manifest
        data: dict[str, object] = {
            'name': manifest.name,
            'path': str(bundle.path),
            'hash': bundle_hash(bundle),
            'tasks': manifest.tasks,
            'modes': manifest.modes(),
            'classes': [label.name for label in manifest.classes],
            'detection_classes': manifest.detection_classes,
            'network': msgspec.to_builtins(manifest.network),
            'inputs': msgspec.to_builtins(manifest.input),
            'thresholds': msgspec.to_builtins(manifest.thresholds),
            'precisions': msgspec.to_builtins(manifest.precisions),
            'files': msgspec.to_builtins(manifest.files),
            'metrics': manifest.provenance.metrics,
            'provenance': msgspec.to_builtins(manifest.provenance),
        }
        return Outcome(data=data, text=model_card(manifest))

    run_verb(work, json_output=json_output, debug=debug)
