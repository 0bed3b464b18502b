import pytest


@pytest.fixture
def count(transaction):
    def rows(model):
        with transaction() as db:
            return db.query(model).count()

    return rows


def test_a_get_asks_and_deletes_nothing(root, add, models, count):
    key = add(models.Category(name="Drinks"))
    response = root.get(f"/admin/category/{key}/delete/")
    assert response.status_code == 200
    assert "Drinks" in response.text
    assert count(models.Category) == 1


def test_a_post_deletes_and_says_so(root, add, models, count):
    key = add(models.Category(name="Drinks"))
    response = root.csrf_post(f"/admin/category/{key}/delete/", {}, follow=True)
    assert "Category “Drinks” was deleted." in response.text
    assert count(models.Category) == 0


def test_a_post_without_a_token_deletes_nothing(root, add, models, count):
    key = add(models.Category(name="Drinks"))
    assert root.post(f"/admin/category/{key}/delete/", {}).status_code == 403
    assert count(models.Category) == 1


def test_a_row_that_others_need_stays_with_a_message(root, add, models, count):
    course = models.Course(name="Tea")
    add(models.Lesson(minutes=5, course=course), course)
    with_lesson = root.get("/admin/course/1/delete/").text
    assert "Lessons: <strong>1</strong>" in with_lesson
    response = root.csrf_post("/admin/course/1/delete/", {}, follow=True)
    assert response.status_code == 200
    assert "Tea can&#39;t be deleted: other rows refer to it." in response.text
    assert "NOT NULL" not in response.text
    assert count(models.Course) == 1
    assert count(models.Lesson) == 1


def test_a_foreign_key_of_the_database_stops_a_deletion_too(root, add, models, count):
    add(models.Course(name="Tea", category=models.Category(name="Drinks")))
    response = root.csrf_post("/admin/category/1/delete/", {}, follow=True)
    assert response.status_code == 200
    assert "other rows refer to it" in response.text
    assert count(models.Category) == 1


@pytest.mark.parametrize("key", ["99", "abc"])
def test_an_unknown_row_is_not_found(root, key):
    assert root.get(f"/admin/category/{key}/delete/").status_code == 404
    assert root.csrf_post(f"/admin/category/{key}/delete/", {}).status_code == 404
