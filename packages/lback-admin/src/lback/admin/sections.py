"""Under which heading a model stands in the menu."""

from collections.abc import Sequence

from lback.admin import columns
from lback.admin.model_admin import ModelAdmin
from lback.core.apps import App


def section_title(described: ModelAdmin, apps: Sequence[App]) -> str:
    """Return the `section` of the model, or the name of the app that it belongs to."""
    if described.section:
        return described.section
    module = described.model.__module__
    for app in apps:
        if module == app.models_module or module.startswith((f"{app.module}.", f"{app.models_module}.")):
            return columns.words(app.label)
    return columns.words(module.split(".", 1)[0])
