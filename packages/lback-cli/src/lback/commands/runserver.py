"""``manage.py runserver``: the site on this machine, for development."""

import os

import click

from lback.core.project import Project


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one.")
@click.option("--no-reload", is_flag=True, help="Don't start anew when a file changes.")
@click.pass_obj
def runserver(project: Project, host: str, port: int, no_reload: bool) -> None:
    """Run the development server."""
    from lback.commands.devserver import listen, serve, url_of

    with listen(host, port) as listener:
        click.echo(f"Serving on {click.style(url_of(listener), bold=True)} for development. Ctrl-C stops it.")
        # Sockets are handed to another process in a way that Windows does not have.
        if no_reload or os.name != "posix":
            serve(project.base_dir, listener)
        else:
            from lback.commands.reloader import Reloader

            Reloader(project.base_dir, listener).run()
