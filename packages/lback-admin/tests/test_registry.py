import pytest

from lback.admin.model_admin import ModelAdmin
from lback.admin.registry import AdminRegistry


@pytest.fixture
def registry():
    return AdminRegistry()


def test_a_registered_model_is_found_in_whatever_case(registry, models):
    registry.register(models.Course)
    assert registry.get_model("course") is models.Course
    assert registry.get_model("COURSE") is models.Course
    assert registry.get_registered_models() == {"Course": models.Course}


def test_an_unknown_model_is_none(registry):
    assert registry.get_model("nothing") is None


def test_registering_twice_is_an_error(registry, models):
    registry.register(models.Course)
    with pytest.raises(ValueError, match="registered with the admin already"):
        registry.register(models.Course)


@pytest.mark.parametrize("thing", [object, "Course", None, int])
def test_only_mapped_classes_are_taken(registry, thing):
    with pytest.raises(ValueError, match="mapped classes"):
        registry.register(thing)


def test_a_model_admin_comes_as_a_second_argument_or_as_a_decorated_class(registry, models):
    class CourseAdmin(ModelAdmin):
        per_page = 5

    registry.register(models.Course, CourseAdmin)

    @registry.register(models.Category)
    class CategoryAdmin(ModelAdmin):
        per_page = 7

    assert registry.get("course").per_page == 5
    assert registry.get("category").per_page == 7
    assert isinstance(registry.get("category"), CategoryAdmin)


def test_two_models_of_one_name_need_another_name(registry, models):
    other = type("Course", (models.Base,), {"__tablename__": "other_courses", "id": models.key_column()})
    registry.register(models.Course)
    with pytest.raises(ValueError, match="another `name`"):
        registry.register(other)
    registry.register(other, type("OtherAdmin", (ModelAdmin,), {"name": "OtherCourse"}))
    assert registry.get_model("othercourse") is other


def test_the_names_of_the_own_pages_are_refused(registry, models):
    with pytest.raises(ValueError, match="a page 'login' of its own"):
        registry.register(models.Course, type("Bad", (ModelAdmin,), {"name": "Login"}))


def test_a_model_can_be_taken_out_and_described_anew(registry, models):
    registry.register(models.Course)
    registry.unregister(models.Course)
    assert models.Course not in registry
    with pytest.raises(ValueError, match="not registered"):
        registry.unregister(models.Course)
