import pytest


@pytest.fixture
def log(transaction):
    """Return the entries of the log, oldest first, without their times."""
    from lback.admin.models import LogEntry

    def entries():
        with transaction() as db:
            return [
                (entry.username, entry.action, entry.model, entry.object_key, entry.object_label, entry.changes)
                for entry in db.query(LogEntry).order_by(LogEntry.id)
            ]

    return entries


def test_every_change_is_in_the_log_with_its_old_and_new_values(root, add, models, log):
    add(models.Category(name="Drinks"))
    root.csrf_post("/admin/course/add/", {"name": "Tea", "published": "on"})
    root.csrf_post("/admin/course/1/change/", {"name": "Green tea", "published": "on", "category": "1"})
    root.csrf_post("/admin/course/1/delete/", {})
    assert log() == [
        ("root", "added", "course", "1", "Tea", {"name": ["", "Tea"], "published": ["", "Yes"]}),
        (
            "root",
            "changed",
            "course",
            "1",
            "Green tea",
            {"name": ["Tea", "Green tea"], "category": ["", "Drinks"]},
        ),
        ("root", "deleted", "course", "1", "Green tea", {}),
    ]


def test_memberships_are_in_the_log(root, add, make_user, models, log):
    group = add(models.Group(name="Editor"))
    key = make_user("ada")
    root.csrf_post(f"/admin/user/{key}/change/", {"username": "ada", "is_active": "on", "groups": str(group)})
    assert log()[-1][5] == {"groups": ["", "Editor"], "is_staff": ["Yes", "No"]}


def test_of_a_password_the_log_keeps_that_it_changed_and_nothing_else(root, make_user, log):
    key = make_user("ada")
    form = {"username": "ada", "is_active": "on", "is_staff": "on", "new_password": "a long enough one"}
    root.csrf_post(f"/admin/user/{key}/change/", form)
    assert log()[-1][5] == {"new_password": None}
    text = root.get(f"/admin/user/{key}/history/").text
    assert "New password" in text
    assert "a long enough one" not in text
    assert "bcrypt" not in text


def test_what_was_refused_is_not_in_the_log(root, log_in, add, models, log):
    add(models.Lesson(minutes=5, course=models.Course(name="Tea")))
    root.csrf_post("/admin/course/add/", {"name": ""})
    root.csrf_post("/admin/course/1/delete/", {})
    log_in("view_course").csrf_post("/admin/course/1/change/", {"name": "Mine"})
    assert log() == []


def test_the_history_of_a_row_shows_what_was_done_to_it(root, add, models):
    key = add(models.Category(name="Drinks"))
    assert "Nothing recorded" in root.get(f"/admin/category/{key}/history/").text
    root.csrf_post(f"/admin/category/{key}/change/", {"name": "<b>Meals</b>"})
    text = root.get(f"/admin/category/{key}/history/").text
    assert "<del>Drinks</del>" in text
    assert "<ins>&lt;b&gt;Meals&lt;/b&gt;</ins>" in text
    assert f'href="/admin/category/{key}/history/"' in root.get(f"/admin/category/{key}/change/").text


def test_the_history_is_for_those_who_may_view_the_row(log_in, add, models):
    key = add(models.Category(name="Drinks"))
    assert log_in("view_course").get(f"/admin/category/{key}/history/").status_code == 403
    assert log_in("view_category", username="ada").get(f"/admin/category/{key}/history/").status_code == 200
    assert log_in("view_category", username="bob").get("/admin/category/99/history/").status_code == 404


def test_the_dashboard_shows_the_last_changes_of_what_one_may_view(root, log_in):
    root.csrf_post("/admin/category/add/", {"name": "Drinks"})
    root.csrf_post("/admin/group/add/", {"name": "Editors"})
    assert "Editors" in root.get("/admin/dashboard/").text
    text = log_in("view_category").get("/admin/dashboard/").text
    assert "Drinks" in text
    assert "Editors" not in text


def test_the_log_outlives_the_user_who_is_in_it(root, log_in, log, transaction, models):
    client = log_in("add_category", username="ada")
    client.csrf_post("/admin/category/add/", {"name": "Drinks"})
    with transaction() as db:
        key = db.query(models.User).filter_by(username="ada").one().id
    assert root.csrf_post(f"/admin/user/{key}/delete/", {}).status_code == 303
    assert [entry[:2] for entry in log()] == [("ada", "added"), ("root", "deleted")]


def test_the_migration_makes_the_table_that_the_model_describes(tmp_path):
    from sqlalchemy import create_engine, inspect

    from lback.admin.models import LogEntry
    from lback.core.apps import resolve_apps
    from lback.migrations.revisions import History
    from lback.migrations.runner import upgrade

    apps = resolve_apps(["admin"])
    for app in apps:
        app.import_models()
    engine = create_engine(f"sqlite:///{tmp_path / 'db.sqlite'}")
    upgrade(engine, History(apps), report=lambda line: None)
    made = {column["name"] for column in inspect(engine).get_columns("admin_log")}
    assert made == set(LogEntry.__table__.columns.keys())
    engine.dispose()
