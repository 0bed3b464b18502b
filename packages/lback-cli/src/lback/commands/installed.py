"""Which packages of the framework are installed, as far as what is generated depends on them."""

import importlib.util

from lback.core.plugins import APPS, plugins

MIDDLEWARES = (
    "lback.models.middleware.SQLAlchemySessionMiddleware",
    "lback.middlewares.static_files.StaticFilesMiddleware",
    "lback.middlewares.session.SessionMiddleware",
    "lback.auth.middleware.AuthMiddleware",
    "lback.middlewares.csrf.CSRFMiddleware",
    "lback.middlewares.security_headers.SecurityHeadersMiddleware",
)


def has(module: str) -> bool:
    """Tell whether a module is installed; the module itself is not imported."""
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def apps() -> list[str]:
    """Return the short names of the apps that a new project lists."""
    return [name for name in ("admin", "auth_app") if name in plugins(APPS)]


def middlewares() -> list[str]:
    """Return the middlewares that a new project lists, the outermost first."""
    return [path for path in MIDDLEWARES if has(path.rpartition(".")[0])]


def url_modules() -> dict[str, str]:
    """Return the URL modules that a new project includes, with their prefixes."""
    modules = {"lback.auth_app.urls": "/auth/", "lback.admin.urls": "/admin/"}
    return {module: prefix for module, prefix in modules.items() if has(module)}
