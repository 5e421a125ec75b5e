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

"""One configured model on the graph: opened by configure, running while the node is active."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xspec_ros.errors import XspecError
from xspec_ros.nodes.outputs import Outputs
from xspec_ros.nodes.parameters import resolve_topics
from xspec_ros.nodes.stream import Stream
from xspec_ros.perception.memory import trim_memory
from xspec_ros.perception.notices import Notice
from xspec_ros.perception.pipeline import Pipeline
from xspec_ros.perception.swap import input_shape, open_beside, open_tried

if TYPE_CHECKING:
    from rclpy.lifecycle import LifecycleNode

    from xspec_ros.nodes.settings import NodeSettings
    from xspec_ros.perception.perception import Perception


class Session:
    """A model that is open, and the publishers of its results.

    Args:
        node: The node.
        settings: Its parameters.

    Raises:
        XspecError: The model cannot be opened, or a parameter makes no sense.
    """

    def __init__(self, node: LifecycleNode, settings: NodeSettings) -> None:
        self.node = node
        self.settings = resolve_topics(node, settings)
        self.perception = open_tried(self.settings, self.settings.model)
        self.stream: Stream | None = None
        try:
            Pipeline(self.settings, self.perception)  # refuses what does not fit together
            self.outputs = Outputs(node)
        except XspecError:
            self.perception.close()
            raise

    def describe(self) -> str:
        """Return model, engine and precision as a line for the log."""
        engine = self.perception.engine
        name = self.perception.bundle.manifest.name
        return f'model {name} on {engine.name} {engine.precision}'

    def listens_on(self) -> str:
        """Return the camera topics as a line for the log."""
        return f'{self.settings.thermal.topic} and {self.settings.rgb.topic}'

    def start(self) -> None:
        """Subscribe and answer; the publishers must be enabled."""
        self.stream = Stream(self.node, self.settings, self.perception, self.outputs)

    def stop(self) -> None:
        """Unsubscribe, answer what waits, end the inference thread."""
        stream, self.stream = self.stream, None
        if stream is not None:
            stream.close()
            self.perception = stream.pipeline.perception

    def change(self, settings: NodeSettings, *, swap: bool) -> None:
        """Take changed parameters while configured; all or nothing.

        Args:
            settings: The new parameters.
            swap: Open the model anew, beside the one that serves.

        Raises:
            XspecError: They are refused; the old ones and the old model stay.
        """
        settings = resolve_topics(self.node, settings)
        opened = self._open(settings) if swap else None
        try:
            if self.stream is not None:
                self.stream.runner.apply(settings)
            else:
                Pipeline(settings, opened or self.perception)
        except XspecError:
            if opened is not None:
                opened.close()
            raise
        self.settings = settings
        if opened is None:
            return
        if self.stream is not None:
            self.stream.runner.swap(opened)
        else:
            self.perception.close()
        self.perception = opened

    def _open(self, settings: NodeSettings) -> Perception:
        """Open another model beside this one; what comes of it shows in the diagnostics."""
        if self.stream is None:
            return open_tried(settings, settings.model)
        size_hw, bytes_per_pixel = input_shape(self.stream.pipeline)
        try:
            opened = open_beside(
                settings, settings.model, size_hw=size_hw, bytes_per_pixel=bytes_per_pixel
            )
        except XspecError as error:
            text = f'model refused, the old one serves on: {error}'
            self.stream.monitor.note(Notice(level='error', kind='swap_refused', text=text))
            raise
        text = f'model {settings.model} taken'
        self.node.get_logger().info(text)
        self.stream.monitor.note(Notice(level='info', kind='swapped', text=text))
        return opened

    def close(self) -> None:
        """Stop, and free model and publishers."""
        self.stop()
        self.outputs.close()
        self.perception.close()
        trim_memory()
