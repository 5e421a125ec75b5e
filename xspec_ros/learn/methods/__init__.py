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

"""Training methods, found by name."""

from __future__ import annotations

from typing import Any, cast, Protocol, TYPE_CHECKING

from xspec_ros.config import convert
from xspec_ros.errors import ConfigError
from xspec_ros.learn.methods.ccdistill.method import CcDistill
from xspec_ros.learn.methods.cgdet.method import Cgdet
from xspec_ros.learn.methods.crm.method import Crm
from xspec_ros.learn.methods.crossmatch.method import Crossmatch
from xspec_ros.learn.methods.distil.method import Distil
from xspec_ros.learn.methods.masked_mutual.method import MaskedMutual
from xspec_ros.learn.methods.supervised.method import Supervised

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xspec_ros.learn.methods.method import Method, MethodContext, Needs

__all__ = ['METHODS', 'build_method']


class MethodClass(Protocol):
    """How a method is built; ``args_type`` checks what it is built with."""

    args_type: type[Any]
    needs: Needs

    def __call__(self, context: MethodContext, args: Any) -> Method:  # noqa: ANN401
        """Build the method; ``args`` is of ``args_type``."""
        ...


METHODS: dict[str, MethodClass] = {
    'ccdistill': cast('MethodClass', CcDistill),
    'cgdet': cast('MethodClass', Cgdet),
    'crm': cast('MethodClass', Crm),
    'crossmatch': cast('MethodClass', Crossmatch),
    'distil': cast('MethodClass', Distil),
    'masked_mutual': cast('MethodClass', MaskedMutual),
    'supervised': cast('MethodClass', Supervised),
}


def build_method(name: str, arguments: Mapping[str, object], context: MethodContext) -> Method:
    """Build a method.

    Args:
        name: Name in ``METHODS``.
        arguments: Its arguments as the recipe has them.
        context: Networks and class names.

    Raises:
        ConfigError: The name is unknown or the arguments do not fit.
    """
    if name not in METHODS:
        message = f'unknown method {name!r}'
        raise ConfigError(message, hint=f'known: {", ".join(sorted(METHODS))}')
    method = METHODS[name]
    return method(context, convert(dict(arguments), method.args_type, 'method.arguments'))
