"""The revisions that the app ships make exactly the tables of its models."""

import pytest
from sqlalchemy import inspect, select

from lback.auth.managers import UserManager
from lback.auth.models import Group, User, UserPermission
from lback.core.apps import resolve_apps
from lback.core.config import Config
from lback.migrations.making import Maker
from lback.migrations.revisions import History
from lback.migrations.runner import downgrade, upgrade
from lback.models.database import DatabaseManager

TABLES = {"users", "groups", "userpermissions", "user_groups_association", "group_permissions_association"}


@pytest.fixture
def apps():
    apps = resolve_apps(["auth_app"])
    for app in apps:
        app.import_models()
    return apps


@pytest.fixture
def migrated(tmp_path, apps):
    database = DatabaseManager.from_config(Config({"DATABASE_URL": f"sqlite:///{tmp_path / 'db.sqlite'}"}))
    upgrade(database.engine, History(apps), report=lambda line: None)
    yield database
    database.dispose()


def test_after_the_revisions_the_models_have_nothing_to_add(migrated, apps):
    assert Maker(migrated.engine, apps, ["auth_app"]).pending() == []


def test_the_tables_they_make_hold_users_with_groups_and_permissions(migrated):
    with migrated.transaction() as db:
        user = UserManager().create(db, "amira", "a fine password", "amira@example.com")
        user.groups = [Group(name="editors", permissions=[UserPermission(name="blog.add_post")])]
    with migrated.transaction() as db:
        assert db.get(User, user.id).has_permission("blog.add_post")


def test_they_can_be_undone(migrated, apps):
    history = History(apps)
    assert set(inspect(migrated.engine).get_table_names()) >= TABLES
    downgrade(migrated.engine, history, history.of("auth_app"), report=lambda line: None)
    assert not set(inspect(migrated.engine).get_table_names()) & TABLES


def test_undone_they_drop_no_index_that_mariadb_needs_for_a_foreign_key(apps):
    auth = next(app for app in apps if app.label == "auth_app")
    for revision in History(apps).of(auth.label):
        assert "drop_index" not in revision.path.read_text()


def test_the_default_groups_are_made_once(migrated, apps):
    auth = next(app for app in apps if app.label == "auth_app")
    config = Config({"SUPERUSER_GROUP": "chiefs"})
    with migrated.transaction() as db:
        assert list(auth.make_initial_data(db, config)) == ["Made the group chiefs.", "Made the group basic_user."]
    with migrated.transaction() as db:
        assert list(auth.make_initial_data(db, config)) == []
        assert {group.name: group.permissions for group in db.scalars(select(Group))} == {
            "chiefs": [],
            "basic_user": [],
        }
