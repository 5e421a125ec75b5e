"""The ``xspec`` command: one file a verb, found in one explicit list."""

from __future__ import annotations

from importlib import import_module

import typer

VERBS = (
    'demo',
    'synth',
    'bag',
    'replay',
    'live',
    'play',
    'train',
    'evaluate',
    'export',
    'bench',
    'info',
    'doctor',
)


def build() -> typer.Typer:
    """Put the verbs together; a verb module offers ``command`` or, with sub-verbs, ``app``."""
    app = typer.Typer(
        name='xspec',
        help='Thermal perception for robots, trained without thermal labels.',
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    for verb in VERBS:
        module = import_module(f'xspec_ros.cli.{verb}')
        if hasattr(module, 'app'):
            app.add_typer(module.app, name=verb)
        else:
            app.command(verb)(module.command)
    return app


def main() -> None:
    """Run the command line."""
    build()()
