"""``manage.py test``: pytest in the project."""

import signal
import sys

import click

from lback.core.project import Project


@click.command(
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    options_metavar="[PYTEST OPTIONS]",
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[FILES]...")
@click.pass_obj
def test(project: Project, arguments: tuple[str, ...]) -> None:
    """Run the tests of the project.

    Everything that follows is handed to pytest, whose exit code this returns: -k NAME, -x, -v, a file ...
    """
    import subprocess

    # A process of its own, so that pytest is there first and can rewrite the assertions of what is imported.
    command = [sys.executable, "-m", "pytest", f"--rootdir={project.base_dir}", *arguments]
    process = subprocess.Popen(command, cwd=project.base_dir)  # noqa: S603 - no shell, and the user's own arguments
    # Ctrl-C reaches both processes; pytest answers it, and this one waits for the report.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        code = process.wait()
    finally:
        signal.signal(signal.SIGINT, before)
    raise SystemExit(code)
