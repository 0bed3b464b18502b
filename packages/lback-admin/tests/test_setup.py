import sys

import pytest

from lback.admin.accounts import UserAdmin
from lback.admin.registry import admin
from lback.core.exceptions import ConfigurationError
from lback.core.testing import make_app

MIDDLEWARES = [
    "lback.models.middleware.SQLAlchemySessionMiddleware",
    "lback.middlewares.session.SessionMiddleware",
    "lback.auth.middleware.AuthMiddleware",
]


@pytest.fixture
def write_app(tmp_path, monkeypatch):
    """Write an app with an admin.py, importable for the length of the test."""
    monkeypatch.syspath_prepend(tmp_path)
    registered = dict(admin._by_name)
    written = []

    def write(name, admin_py):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("")
        (tmp_path / name / "admin.py").write_text(admin_py)
        written.append(name)

    yield write
    for name in written:
        for module in (name, f"{name}.admin"):
            sys.modules.pop(module, None)
    admin._by_name.clear()
    admin._by_name.update(registered)


def build(tmp_path, *apps):
    return make_app(BASE_DIR=tmp_path, INSTALLED_APPS=["admin", *apps], MIDDLEWARES=MIDDLEWARES)


def test_accounts_are_registered_by_themselves(tmp_path, models):
    build(tmp_path)
    for model in (models.User, models.Group, models.UserPermission):
        assert model in admin
    assert isinstance(admin.get("user"), UserAdmin)


def test_the_admin_module_of_every_app_is_imported(tmp_path, write_app, models):
    admin.unregister(models.Device)
    write_app("shop_a", "import sys\nimported = True\n")
    build(tmp_path, "shop_a")
    assert sys.modules["shop_a.admin"].imported


def test_an_app_may_describe_users_in_its_own_way(tmp_path, write_app, models):
    build(tmp_path)
    admin.unregister(models.User)
    write_app(
        "shop_b",
        "from lback.admin.accounts import UserAdmin\n"
        "from lback.admin.registry import admin\n"
        "from lback.auth.models import User\n"
        "@admin.register(User)\n"
        "class OurUserAdmin(UserAdmin):\n"
        "    list_display = ('username',)\n",
    )
    build(tmp_path, "shop_b")
    assert admin.get("user").columns == ("username",)


def test_an_error_in_an_admin_module_stops_the_start(tmp_path, write_app):
    write_app("shop_c", "raise RuntimeError('in admin.py')\n")
    with pytest.raises(RuntimeError, match="in admin"):
        build(tmp_path, "shop_c")


def test_a_wrong_name_stops_the_start(tmp_path, write_app, models):
    build(tmp_path)
    admin.unregister(models.Group)
    write_app(
        "shop_d",
        "from lback.admin.model_admin import ModelAdmin\n"
        "from lback.admin.registry import admin\n"
        "from lback.auth.models import Group\n"
        "@admin.register(Group)\n"
        "class Wrong(ModelAdmin):\n"
        "    list_display = ('nmae',)\n",
    )
    with pytest.raises(ConfigurationError, match="list_display of Wrong for Group has 'nmae'"):
        build(tmp_path, "shop_d")


def test_describing_the_app_imports_nothing_heavy():
    import subprocess

    code = "import sys, lback.admin.app; print([m for m in ('sqlalchemy', 'jinja2', 'lback.auth') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
