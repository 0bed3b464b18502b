"""Forms as HTML, by the Jinja2 templates of this package."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from markupsafe import Markup

from lback.security.csrf import csrf_input

if TYPE_CHECKING:
    from jinja2 import Environment

    from lback.forms.forms import Form


class Rendered(Markup):
    """A rendered form. It may be called, so ``{{ form.as_p() }}`` gives the same as ``{{ form.as_p }}``."""

    __slots__ = ()

    def __call__(self) -> Self:
        """Return the same markup."""
        return self


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader

    return Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render(form: "Form", template: str) -> Rendered:
    """Return a form as HTML.

    Args:
        form: The form.
        template: The name of a template of this package.
    """
    hidden = form.hidden_fields
    # The visitor can't see these fields, so their errors stand above the form.
    errors: list[Any] = [*form.non_field_errors]
    errors += [f"{field.label}: {error.message}" for field in hidden for error in field.errors]
    context = {
        "fields": form.visible_fields,
        "hidden": Markup().join(([csrf_input()] if form.csrf else []) + [field.input for field in hidden]),
        "errors": errors,
    }
    return Rendered(_environment().get_template(template).render(context).strip())
