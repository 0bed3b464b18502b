import re
from decimal import Decimal

import pytest

from lback.core.signals import dispatcher


@pytest.fixture
def read(transaction):
    """Return a column of a row as it is in the database."""

    def value(model, key, name):
        with transaction() as db:
            return getattr(db.get(model, key), name)

    return value


@pytest.fixture
def count(transaction):
    def rows(model):
        with transaction() as db:
            return db.query(model).count()

    return rows


def test_a_row_is_added_with_everything_the_form_has(root, add, models, transaction):
    category = add(models.Category(name="Drinks"))
    form = {
        "name": "Tea",
        "description": "Green\nand hot",
        "price": "3.50",
        "published": "on",
        "level": "EXPERT",
        "category": category,
    }
    response = root.csrf_post("/admin/course/add/", form)
    assert response.location == "/admin/course/", response.text
    with transaction() as db:
        course = db.query(models.Course).one()
        assert (course.name, course.description.split(), course.price) == (
            "Tea",
            ["Green", "and", "hot"],
            Decimal("3.5"),
        )
        assert (course.published, course.level, course.category.name) == (True, models.Level.EXPERT, "Drinks")
    assert "Tea" in root.get("/admin/course/").text


def test_what_was_done_is_said_once(root, models):
    response = root.csrf_post("/admin/category/add/", {"name": "Drinks"}, follow=True)
    assert "Category “Drinks” was added." in response.text
    assert "was added" not in root.get("/admin/category/").text


def test_a_row_is_changed_and_what_is_left_empty_is_emptied(root, add, models, read):
    key = add(models.Course(name="Tea", description="old", published=True, category=models.Category(name="Drinks")))
    response = root.csrf_post(f"/admin/course/{key}/change/", {"name": "Green tea"})
    assert response.location == "/admin/course/", response.text
    assert read(models.Course, key, "name") == "Green tea"
    assert not read(models.Course, key, "description")
    assert read(models.Course, key, "published") is False
    assert read(models.Course, key, "category_id") is None


def test_the_form_shows_what_is_there(root, add, models):
    key = add(models.Course(name='Tea "& more"', price=Decimal("3.50")))
    text = root.get(f"/admin/course/{key}/change/").text
    assert 'value="Tea &#34;&amp; more&#34;"' in text
    assert 'value="3.50"' in text


@pytest.mark.parametrize(
    ("button", "leads_to"), [("stay", "/admin/category/1/change/"), ("add", "/admin/category/add/")]
)
def test_the_buttons_lead_on(root, button, leads_to):
    assert root.csrf_post("/admin/category/add/", {"name": "x", "_then": button}).location == leads_to


def test_an_error_stands_beside_its_field_and_nothing_is_written(root, models, count):
    response = root.csrf_post("/admin/course/add/", {"name": "", "price": "cheap", "description": "kept"})
    assert response.status_code == 400
    assert 'id="id_name_errors"' in response.text
    assert 'id="id_price_errors"' in response.text
    assert "kept" in response.text
    assert count(models.Course) == 0


@pytest.mark.parametrize("name", ["   ", "x" * 201])
def test_what_the_column_does_not_take_is_refused_by_the_form(root, models, count, name):
    assert root.csrf_post("/admin/course/add/", {"name": name}).status_code == 400
    assert count(models.Course) == 0


def test_a_value_that_must_be_unique_is_an_error_of_the_form_and_not_of_the_server(root, add, models, count):
    add(models.Course(name="Tea", slug="tea"))
    response = root.csrf_post("/admin/course/add/", {"name": "Other", "slug": "tea"})
    assert response.status_code == 400
    for word in ("UNIQUE", "INSERT", "courses.slug", "sqlite"):
        assert word not in response.text
    assert count(models.Course) == 1


def test_a_choice_that_does_not_exist_is_refused(root, models, count):
    assert root.csrf_post("/admin/course/add/", {"name": "Tea", "category": "99"}).status_code == 400
    assert root.csrf_post("/admin/course/add/", {"name": "Tea", "level": "GURU"}).status_code == 400
    assert count(models.Course) == 0


def test_fields_that_the_form_does_not_have_are_ignored(root, add, models, read):
    key = add(models.Course(name="Tea", api_token="mine"))
    forged = {"name": "Tea", "id": "77", "api_token": "stolen", "created_at": "1999-01-01T00:00", "__class__": "x"}
    assert root.csrf_post(f"/admin/course/{key}/change/", forged).status_code == 303
    assert read(models.Course, key, "api_token") == "mine"
    assert read(models.Course, key, "created_at").year > 2000


def test_secrets_are_in_no_form(root, add, models):
    key = add(models.Course(name="Tea", api_token="s3cret"))
    text = root.get(f"/admin/course/{key}/change/").text
    assert "s3cret" not in text
    assert "api_token" not in text


@pytest.mark.parametrize("key", ["99", "abc", "1,2", "99999999999999999999", "-1"])
def test_an_unknown_row_is_not_found(root, key):
    assert root.get(f"/admin/course/{key}/change/").status_code == 404
    assert root.csrf_post(f"/admin/course/{key}/change/", {"name": "x"}).status_code == 404


def test_a_form_without_a_token_is_refused(root, models, count):
    assert root.post("/admin/course/add/", {"name": "Tea"}).status_code == 403
    assert count(models.Course) == 0


def test_the_page_carries_a_token_that_is_accepted(root, models, count):
    page = root.get("/admin/category/add/").text
    token = page.split('<form method="post" novalidate', 1)[1].split('name="csrfmiddlewaretoken" value="', 1)[1]
    form = {"name": "Drinks", "csrfmiddlewaretoken": token.split('"', 1)[0]}
    assert root.post("/admin/category/add/", form).status_code == 303
    assert count(models.Category) == 1


# Permissions

PAGES = {
    "view": ("GET", "/admin/course/{key}/change/", None),
    "list": ("GET", "/admin/course/", None),
    "add": ("POST", "/admin/course/add/", {"name": "New"}),
    "add page": ("GET", "/admin/course/add/", None),
    "change": ("POST", "/admin/course/{key}/change/", {"name": "Changed"}),
    "delete": ("POST", "/admin/course/{key}/delete/", {}),
    "delete page": ("GET", "/admin/course/{key}/delete/", None),
}


@pytest.mark.parametrize(
    ("permission", "allowed"),
    [
        ("view_course", {"view", "list"}),
        ("add_course", {"add", "add page"}),
        ("change_course", {"view", "list", "change"}),
        ("delete_course", {"delete", "delete page"}),
        ("view_category", set()),
        ("courses.change_course", set()),
        ("change_Course", set()),
    ],
)
def test_each_permission_allows_its_pages_and_no_other(log_in, add, models, permission, allowed):
    client = log_in(permission)
    for name, (method, path, form) in PAGES.items():
        key = add(models.Course(name="Tea"))
        send = client.get if method == "GET" else lambda path, form=form: client.csrf_post(path, form)
        status = send(path.format(key=key)).status_code
        assert (status != 403) == (name in allowed), (name, status)


def test_who_may_only_view_sees_no_fields_and_no_buttons_and_changes_nothing(log_in, add, models, read):
    key = add(models.Course(name="Tea", description="green"))
    client = log_in("view_course")
    text = client.get(f"/admin/course/{key}/change/").text
    assert "green" in text
    assert "<textarea" not in text
    assert ">Save<" not in text
    assert f"/admin/course/{key}/delete/" not in text
    assert client.csrf_post(f"/admin/course/{key}/change/", {"name": "Mine"}).status_code == 403
    assert read(models.Course, key, "name") == "Tea"


def test_the_refusal_does_not_tell_which_rows_exist(log_in, add, models):
    key = add(models.Course(name="Tea"))
    client = log_in("view_category")
    answers = [client.get(f"/admin/course/{one}/change/") for one in (key, 424242)]
    texts = {re.sub('nonce="[^"]*"', "", answer.text) for answer in answers}
    assert len(texts) == 1
    assert answers[0].status_code == answers[1].status_code == 403


def test_the_menu_and_the_dashboard_show_what_one_may_see(log_in, add, models):
    add(models.Course(name="Tea"), models.Course(name="Coffee"))
    text = log_in("view_course").get("/admin/dashboard/").text
    assert "/admin/course/" in text
    assert "/admin/course/add/" not in text
    assert "/admin/category/" not in text
    assert "/admin/user/" not in text


def test_a_permission_that_was_taken_away_is_gone_on_the_next_request(log_in, transaction, models):
    client = log_in("view_course")
    assert client.get("/admin/course/").status_code == 200
    with transaction() as db:
        db.query(models.UserPermission).delete()
    assert client.get("/admin/course/").status_code == 403


def test_signals_tell_of_every_change(root):
    heard = []

    def listen(sender, **kwargs):
        heard.append((sender.__name__, kwargs["object"].name))

    for name in ("admin_object_added", "admin_object_changed", "admin_object_deleted"):
        dispatcher.connect(name, listen)
    try:
        root.csrf_post("/admin/category/add/", {"name": "a"})
        root.csrf_post("/admin/category/1/change/", {"name": "b"})
        root.csrf_post("/admin/category/1/delete/", {})
    finally:
        for name in ("admin_object_added", "admin_object_changed", "admin_object_deleted"):
            dispatcher.disconnect(name, listen)
    assert heard == [("Category", "a"), ("Category", "b"), ("Category", "b")]


def test_a_form_of_ones_own_takes_the_place_of_the_generated_one(root, models, count):
    from lback.admin.registry import admin
    from lback.core.exceptions import ValidationError
    from lback.forms.models import ModelForm

    class CategoryForm(ModelForm):
        class Meta:
            model = models.Category
            fields = ["name"]

        def clean_name(self, value):
            if "tea" in value:
                raise ValidationError("No tea here.")
            return value

    described = admin.get("category")
    described.form_class = CategoryForm
    try:
        response = root.csrf_post("/admin/category/add/", {"name": "tea"})
    finally:
        described.form_class = None
    assert response.status_code == 400
    assert "No tea here." in response.text


def test_what_the_model_refuses_while_it_is_written_is_an_error_of_the_form(root, models, count):
    from sqlalchemy import event

    from lback.core.exceptions import ValidationError

    def refuse(mapper, connection, target):
        raise ValidationError("Not on a Sunday.")

    event.listen(models.Category, "before_insert", refuse)
    try:
        response = root.csrf_post("/admin/category/add/", {"name": "x"})
    finally:
        event.remove(models.Category, "before_insert", refuse)
    assert response.status_code == 400
    assert "Not on a Sunday." in response.text
    assert count(models.Category) == 0


def test_a_value_that_another_request_took_meanwhile_is_an_error_of_the_form(root, add, models, count):
    from sqlalchemy import event

    def meanwhile(mapper, connection, target):
        connection.execute(models.Course.__table__.insert().values(name="first", slug=target.slug))

    event.listen(models.Course, "before_insert", meanwhile, once=True)
    response = root.csrf_post("/admin/course/add/", {"name": "second", "slug": "tea"})
    assert response.status_code == 400
    assert "UNIQUE" not in response.text
    assert 'role="alert"' in response.text
    assert count(models.Course) == 0


def test_files_are_stored_in_columns_of_bytes_and_kept_when_none_is_sent(root, models, transaction):
    form = {"row": "A", "number": "1"}
    response = root.csrf_post("/admin/seat/add/", form, files={"plan": ("plan.txt", b"\x00bytes")})
    assert response.status_code == 303, response.text
    assert "multipart/form-data" in root.get("/admin/seat/A,1/change/").text
    assert root.csrf_post("/admin/seat/A,1/change/", form).status_code == 303
    with transaction() as db:
        assert db.get(models.Seat, ("A", 1)).plan == b"\x00bytes"
