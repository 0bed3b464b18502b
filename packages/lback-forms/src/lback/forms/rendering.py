"""Forms as HTML, by the Jinja2 templates of this package, which a project can override."""

from typing import TYPE_CHECKING, Any, Self

from markupsafe import Markup

from lback.forms.messages import N_, translated
from lback.forms.validation import NON_FIELD
from lback.security.csrf import csrf_input

if TYPE_CHECKING:
    from lback.forms.bound import BoundField
    from lback.forms.forms import Form


class Rendered(Markup):
    """A rendered form. It may be called, so ``{{ form.as_p() }}`` gives the same as ``{{ form.as_p }}``."""

    __slots__ = ()

    def __call__(self) -> Self:
        """Return the same markup."""
        return self


def render(form: "Form", template: str) -> Rendered:
    """Return a form as HTML.

    Args:
        form: The form.
        template: The name of a template: ``fields`` are the fields to show, ``hidden`` is the markup of the others and
            of the token against forged requests, and ``errors`` is what stands above the fields.
    """
    hidden: list[BoundField] = []
    visible: list[BoundField] = []
    for field in form:
        (hidden if field.field.widget.is_hidden else visible).append(field)
    # The visitor can't see hidden fields, so their errors stand above the form.
    errors: list[Any] = [*form.non_field_errors]
    errors += [f"{field.label}: {error.message}" for field in hidden for error in field.errors]
    token = csrf_input() if form.csrf else Markup()
    markup = Markup("").join([token, *(field.input for field in hidden)]) if hidden else token
    return render_template(template, {"form": form, "fields": visible, "hidden": markup, "errors": errors})


def render_template(name: str, context: dict[str, Any]) -> Rendered:
    """Return a template of this package, or the project's own of that name, as markup."""
    # Jinja2 is imported when something is rendered, and not before.
    from lback.forms.environment import form_template

    return Rendered(form_template(name).render(context).strip())


def render_summary(form: "Form") -> Rendered:
    """Return the list of all errors of a form, with links to the fields; nothing where there are no errors."""
    links: list[tuple[str | None, str]] = []
    for name, errors in form.errors.items():
        field = None if name == NON_FIELD else form[name]
        for error in errors:
            if field is None:
                links.append((None, error.message))
            else:
                target = None if field.is_hidden else field.focus_id
                links.append((target, f"{field.label}: {error.message}"))
    if not links:
        return Rendered()
    title = translated(N_("Please correct the following:"))
    return render_template("forms/error_summary.html", {"form": form, "title": title, "links": links})
