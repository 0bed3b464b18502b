"""The command line: ``lback`` outside of projects, and ``manage.py`` in every project.

The commands of ``manage.py`` come from the installed packages, by the entry-point group ``lback.commands``. A
command's module is imported when the command runs or its help is shown, so it should import nothing heavy itself.
"""

import difflib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import click

from lback.core.exceptions import LbackError


class Commands(click.Group):
    """A group of commands that says in one sentence what is wrong.

    Every `LbackError` ends the program with its message on the error stream and exit code 1.
    """

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the command that the arguments name."""
        try:
            return super().main(*args, **kwargs)
        except LbackError as error:
            click.echo(f"{click.style('Error:', fg='red', bold=True)} {error}", err=True)
            sys.exit(1)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that `args` begin with; for an unknown one, say which is near."""
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            ctx.fail(f"There is no command {name!r}.{self.hint(ctx, name)}")
        return super().resolve_command(ctx, args)

    def hint(self, ctx: click.Context, name: str) -> str:
        """Return what to add to the sentence that there is no command `name`."""
        near = difflib.get_close_matches(name, self.list_commands(ctx), n=1)
        return f" Did you mean {near[0]!r}?" if near else ""


class PluginCommands(Commands):
    """The commands that installed packages bring."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names, sorted.

        Raises:
            ConfigurationError: Two packages claim one name.
        """
        from lback.core.plugins import COMMANDS, plugins

        return sorted(plugins(COMMANDS))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command.

        Raises:
            LbackError: Its package names something that is not a click command.
        """
        from lback.core.plugins import COMMANDS, plugins

        point = plugins(COMMANDS).get(cmd_name)
        if point is None:
            return None
        command = point.load()
        if not isinstance(command, click.Command):
            raise LbackError(f"The command {cmd_name!r} must be a click command, and {point.value} is {command!r}.")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands; one that can't be imported spoils its own line alone."""
        rows = []
        width = formatter.width - max(map(len, self.list_commands(ctx)), default=0) - 6
        for name in self.list_commands(ctx):
            try:
                command = self.get_command(ctx, name)
            except Exception as error:  # noqa: BLE001 - a third party's module may raise anything
                rows.append((name, f"(not available: {type(error).__name__}: {error})"))
                continue
            if command is not None and not command.hidden:
                rows.append((name, command.get_short_help_str(width)))
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)


class OutsideCommands(Commands):
    """The commands of ``lback`` itself."""

    def hint(self, ctx: click.Context, name: str) -> str:
        """Point to ``manage.py``, which has the other commands."""
        return super().hint(ctx, name) or f" Inside a project, try: python manage.py {name}"


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run the console script ``lback``."""
    from lback.commands.startproject import startproject

    group = OutsideCommands(
        name="lback",
        commands={"startproject": startproject},
        help="Start a project with Lback. Everything else is done in the project, by its manage.py.",
    )
    _run(group, args, prog_name="lback")


def manage(base_dir: Path | str, args: Sequence[str] | None = None) -> NoReturn:
    """Run a command in a project; the project's ``manage.py`` calls it.

    Args:
        base_dir: The folder of ``manage.py``.
        args: The command and its arguments; those of the process unless given.
    """
    from lback.core.project import Project

    _run(project_commands(), args, prog_name="python manage.py", obj=Project(base_dir))


def project_commands() -> PluginCommands:
    """Return the group that `manage` runs. Commands get the `lback.core.project.Project` with ``click.pass_obj``."""
    return PluginCommands(name="manage.py", help="Run a command in this project.")


def _run(group: Commands, args: Sequence[str] | None, **options: Any) -> NoReturn:
    click.version_option(package_name="lback-cli", prog_name="Lback", message="%(prog)s %(version)s")(group)
    group.main(None if args is None else list(args), **options)
    sys.exit(0)
