"""`visionforge`: a thin door to the rooms, one module a command.

Exit codes: 0 done (or GO), 1 NO-GO, 2 interrupted, 3 could not be done or proved, 4 wrong use or plan.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module

import click

from pytest_visionforge.cli.shared import Meant
from pytest_visionforge.errors import VisionForgeError
from pytest_visionforge.version import VERSION

COULD_NOT, WRONG_USE = 3, 4
# name of a command -> where it is: imported when it is called
COMMANDS = {
    "demo": "demo:demo",
    "init": "init:init",
    "doctor": "doctor:doctor",
    "compare": "compare:compare",
    "backup": "backup:backup",
    "cutover": "cutover:cutover",
    "migrate": "migrate:migrate",
    "runbook": "runbook:runbook",
    "rollback": "rollback:rollback",
    "explain": "explain:explain",
    "rules": "rules:rules",
    "waivers": "waivers:waivers",
    "report": "report:report",
    "merge": "merge:merge",
    "gate": "gate:gate",
    "prune": "prune:prune",
    "verify": "sign:verify",
    "sign": "sign:sign",
    "approve": "sign:approve",
    "key": "sign:key",
    "completion": "completion:completion",
}


class Commands(Meant):
    """The commands by their names, each imported when it is asked for."""

    def list_commands(self, context: click.Context) -> list[str]:
        """Their names, in the order in which they are used."""
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """One of them; None where there is none of that name."""
        if name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[name].partition(":")
        command: click.Command = getattr(import_module(f"{__name__}.{module}"), attribute)
        return command


def main() -> None:
    """The console command: one clear message for an error of the user's, a traceback only with --debug."""
    debug = "--debug" in sys.argv
    try:
        cli.main(
            args=[word for word in sys.argv[1:] if word != "--debug"],
            standalone_mode=False,
            color=_color(),
        )
    except VisionForgeError as error:
        if debug:
            raise
        _fail(str(error), error.exit_code)
    except OSError as error:
        if debug:
            raise
        _fail(f"{error.filename or 'the system'}: {error.strerror or error}", COULD_NOT)
    except click.exceptions.Exit as leaving:
        sys.exit(leaving.exit_code)
    except click.Abort:
        _fail("interrupted", 2)
    except click.ClickException as error:
        error.show()
        sys.exit(WRONG_USE)


def _color() -> bool | None:
    """No colours where the environment asks for none; None: those that the stream can show."""
    return False if os.environ.get("NO_COLOR") else None


def _fail(message: str, code: int) -> None:
    click.echo(f"{click.style('error:', fg='red')} {message}", err=True, color=_color())
    sys.exit(code)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(VERSION, prog_name="visionforge")
def cli() -> None:
    """A gate for database migrations, in pytest.

    \b
    visionforge demo                 the whole product in ten seconds, on a sample database
    visionforge init '$SHOP_DB'       a plan for a database of your own
    visionforge doctor               is everything there that it needs?
    pytest -m premigration           may the migration start?
    pytest -m postmigration          did everything arrive as it should?
    visionforge cutover              all of it: stop, prove, migrate, prove, start, or back
    visionforge rollback             puts the proved backup back

    Errors are one message; --debug anywhere on the line shows the traceback.
    """
