"""``manage.py startapp``: the files of a new app, for the packages that are installed."""

import click

from lback.core.exceptions import LbackError
from lback.core.project import Project

# What the files of an app import, from where, and the package that brings it.
IMPORTS = (
    ("BaseModel", "lback.models.base", "lback-orm"),
    ("admin", "lback.admin.registry", "lback-admin"),
    ("BaseModelSerializer", "lback.api.serializer", "lback-api"),
)


@click.command()
@click.argument("name")
@click.pass_obj
def startapp(project: Project, name: str) -> None:
    """Create an app in a new folder."""
    create_app(project, name)
    click.echo(f"Created the app {click.style(name, bold=True)}. To use it:\n")
    click.echo(f'  In settings.py, add to INSTALLED_APPS:  "{name}",')
    click.echo(f'  In {_urls_file(project)}, add to urlpatterns:  include("{name}.urls", prefix="/"),')


def create_app(project: Project, name: str) -> None:
    """Write an app into a new folder of the project. The project's own files are left as they are.

    Raises:
        LbackError: The name can't be used, or the folder can't be written.
    """
    from lback.commands.names import check_name
    from lback.commands.skeleton import write_skeleton
    from lback.core.plugins import APPS, plugins

    check_name(name, "app", project.base_dir)
    if name in plugins(APPS):
        raise LbackError(f"{name!r} can't be the name of an app: INSTALLED_APPS means an installed package by it.")
    write_skeleton("app", project.base_dir / name, {"name": name, **_imports()})


def _imports() -> dict[str, str]:
    from lback.commands.installed import has

    return {
        f"import_{what}": f"from {module} import {what}"
        if has(module)
        else f"# This needs a package that is not installed: pip install {distribution}"
        for what, module, distribution in IMPORTS
    }


def _urls_file(project: Project) -> str:
    module: str = project.config.ROOT_URLCONF
    return f"{module.replace('.', '/')}.py" if module else "the project's urls.py"
