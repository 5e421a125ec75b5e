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

"""The one error hierarchy: what went wrong, where, and what to do about it."""

from __future__ import annotations


class XspecError(Exception):
    """Base of every error this package raises on purpose.

    Args:
        message: One line: what (with values) and where (path, topic, key, index).
        hint: One line: what the user can do about it.
    """

    kind = 'error'

    def __init__(self, message: str, *, hint: str = '') -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        """Return message and hint as one line."""
        return f'{self.message} - {self.hint}' if self.hint else self.message


class ConfigError(XspecError):
    """A parameter, option, recipe or class list does not make sense."""

    kind = 'config'


class DataError(XspecError):
    """A bag, data set folder or file cannot be read or written as asked."""

    kind = 'data'


class BundleError(XspecError):
    """A model bundle is missing, tampered with, or does not fit."""

    kind = 'bundle'


class EngineError(XspecError):
    """An inference engine is missing or failed."""

    kind = 'engine'


class MessageError(XspecError):
    """One message cannot be used; it is counted under ``reason`` and the stream goes on.

    Args:
        message: What and where.
        reason: Short counter name, for example ``step``, ``short`` or ``encoding``.
        hint: What to do.
    """

    kind = 'message'

    def __init__(self, message: str, *, reason: str, hint: str = '') -> None:
        super().__init__(message, hint=hint)
        self.reason = reason
