"""``manage.py collectstatic``: gather the static files for a server."""

from pathlib import Path

import click

from lback.core.exceptions import ConfigurationError
from lback.core.project import Project


@click.command()
@click.option("--clear", is_flag=True, help="Also delete what earlier runs made and nothing needs any more.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.pass_obj
def collectstatic(project: Project, clear: bool, dry_run: bool) -> None:
    """Collect the static files of the project and its apps in STATIC_ROOT.

    Each also gets a name with a hash of its content, which browsers may keep for ever, and compressed variants.
    """
    from lback.core.static import collect, source_folders

    config = project.config
    if not config.STATIC_ROOT:
        raise ConfigurationError("Set STATIC_ROOT to the folder that static files are to be collected in.")
    root = Path(config.BASE_DIR) / config.STATIC_ROOT
    report = collect(root, source_folders(config, project.apps), config.STATIC_URL, clear=clear, dry_run=dry_run)
    for sheet, target in report.dangling:
        click.secho(f"Warning: {sheet} refers to {target}, which is nowhere.", fg="yellow", err=True)
    for link in report.outside:
        click.secho(f"Warning: {link} leads out of its folder and is left out.", fg="yellow", err=True)
    words = ("Would write", "would remove") if dry_run else ("Wrote", "removed")
    files = len(report.copied) + len(report.hashed)
    removed = f", {words[1]} {len(report.removed)}" if clear else ""
    click.echo(f"{words[0]} {files} {'file' if files == 1 else 'files'}{removed}; {report.unchanged} unchanged. {root}")
