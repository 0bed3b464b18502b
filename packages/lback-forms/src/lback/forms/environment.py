"""Where the templates of forms come from: the project's ``templates/forms``, its apps', then this package's."""

from functools import cache
from pathlib import Path

from jinja2 import BaseLoader, ChoiceLoader, Environment, FileSystemLoader, Template

from lback.core.context import current_request


class FormLoader(ChoiceLoader):
    """Finds the templates of this package where a project has none of that name."""

    def __init__(self, first: BaseLoader | None) -> None:
        own = FileSystemLoader(Path(__file__).parent / "templates")
        super().__init__([own] if first is None else [first, own])


@cache
def _plain_environment() -> Environment:
    return Environment(
        loader=FormLoader(None), autoescape=True, auto_reload=False, trim_blocks=True, lstrip_blocks=True
    )


def form_template(name: str) -> Template:
    """Return a template by name: in a request, from the environment of the application, which then finds ours too."""
    request = current_request()
    environment = _plain_environment() if request is None else request.app.templates.environment
    if not isinstance(environment.loader, FormLoader):
        environment.loader = FormLoader(environment.loader)
    return environment.get_template(name)
