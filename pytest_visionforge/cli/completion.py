"""`visionforge completion`: the shell completes commands, options and their words."""

from __future__ import annotations

import click


@click.command()
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
def completion(shell: str) -> None:
    """Prints what a shell needs to complete the commands.

    \b
    eval "$(visionforge completion bash)"        into ~/.bashrc
    eval "$(visionforge completion zsh)"         into ~/.zshrc
    visionforge completion fish | source         into ~/.config/fish/config.fish
    """
    from click.shell_completion import get_completion_class

    from pytest_visionforge.cli import cli

    kind = get_completion_class(shell)
    assert kind
    click.echo(kind(cli, {}, "visionforge", "_VISIONFORGE_COMPLETE").source())
