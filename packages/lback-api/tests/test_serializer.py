"""Serializers: rows as JSON, JSON as rows, and what clients may not do."""

import enum
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    DateTime,
    Enum,
    ForeignKey,
    Integer,
    LargeBinary,
    Numeric,
    SmallInteger,
    String,
    Text,
    create_engine,
    func,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship, validates
from sqlalchemy.pool import StaticPool

from lback.api.fields import BooleanField, DateTimeField, IntegerField, RelatedField, StringField
from lback.api.serializer import BaseModelSerializer, Serializer
from lback.core.datastructures import MultiDict
from lback.core.exceptions import BadRequest, ConfigurationError, HTTPException, ValidationError
from lback.core.request import Request
from lback.core.testing import Client, make_app
from lback.models.base import BaseModel
from lback.utils.response_helpers import json_response
from lback.utils.urls import path


class Base(DeclarativeBase):
    """A base of the tests' own, so that their tables stay out of the framework's."""


class Level(enum.Enum):
    BASIC = 1
    EXPERT = 2


class Teacher(Base):
    __tablename__ = "teachers"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(50))
    password: Mapped[str | None] = mapped_column(String(50))
    password_hash: Mapped[str | None] = mapped_column(String(50))
    api_token: Mapped[str | None] = mapped_column(String(50))
    photo: Mapped[bytes | None] = mapped_column(LargeBinary)
    lessons: Mapped[list["Lesson"]] = relationship(back_populates="teacher")

    @validates("name")
    def _name(self, _key: str, name: str) -> str:
        if name == "root":
            raise ValueError("Nobody is called root.")
        return name


class Lesson(Base):
    __tablename__ = "lessons"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(20), unique=True)
    notes: Mapped[str | None] = mapped_column(Text)
    seats: Mapped[int] = mapped_column(SmallInteger, default=10)
    views: Mapped[int] = mapped_column(BigInteger, server_default="0")
    price: Mapped[Decimal | None] = mapped_column(Numeric(6, 2))
    rating: Mapped[float | None]
    level: Mapped[Level | None] = mapped_column(Enum(Level))
    extra: Mapped[Any] = mapped_column(JSON, nullable=True)
    starts_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    created_at: Mapped[datetime] = mapped_column(DateTime, server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(DateTime, server_default=func.now(), onupdate=func.now())
    teacher_id: Mapped[int | None] = mapped_column(ForeignKey("teachers.id"))
    teacher: Mapped[Teacher | None] = relationship(back_populates="lessons")


class Country(Base):
    __tablename__ = "countries"

    code: Mapped[str] = mapped_column(String(2), primary_key=True)
    name: Mapped[str] = mapped_column(String(50))


class LessonSerializer(BaseModelSerializer):
    class Meta:
        model = Lesson
        fields = "__all__"


class TeacherSerializer(BaseModelSerializer):
    class Meta:
        model = Teacher
        fields = "__all__"


class CountrySerializer(BaseModelSerializer):
    class Meta:
        model = Country
        fields = "__all__"


@pytest.fixture
def session() -> Iterator[Session]:
    engine = create_engine("sqlite://", poolclass=StaticPool)
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        yield session
    engine.dispose()


def with_meta(base: type[BaseModelSerializer] = BaseModelSerializer, **options: Any) -> type[BaseModelSerializer]:
    return type("MadeSerializer", (base,), {"Meta": type("Meta", (), {"model": Lesson, **options})})


# Out


def test_a_row_is_shown_by_its_columns(session: Session) -> None:
    lesson = Lesson(name="Tea", price=Decimal("9.90"), level=Level.EXPERT, extra={"a": 1})
    lesson.starts_at = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
    session.add(lesson)
    session.commit()
    data = LessonSerializer(instance=lesson).data
    assert isinstance(datetime.fromisoformat(data.pop("created_at")), datetime)
    data.pop("updated_at")
    assert data == {
        "id": 1,
        "name": "Tea",
        "notes": None,
        "seats": 10,
        "views": 0,
        "price": "9.90",
        "rating": None,
        "level": "EXPERT",
        "extra": {"a": 1},
        "starts_at": "2026-01-31T12:00:00+00:00",
        "teacher_id": None,
    }


def test_secrets_binary_columns_and_relationships_are_not_among_all_fields() -> None:
    assert list(TeacherSerializer().fields) == ["id", "name"]


def test_many_rows_are_a_list() -> None:
    rows = [Country(code="DE", name="Germany"), Country(code="FR", name="France")]
    assert [row["code"] for row in CountrySerializer(instance=rows, many=True).data] == ["DE", "FR"]
    assert CountrySerializer(instance=[], many=True).data == []


def test_named_fields_are_all_there_is() -> None:
    serializer = with_meta(fields=["name", "id"])
    assert serializer(Lesson(id=1, name="Tea")).data == {"name": "Tea", "id": 1}


def test_excluded_columns_are_left_out() -> None:
    fields = with_meta(exclude=["notes"])().fields
    assert "notes" not in fields
    assert "name" in fields


def test_related_objects_are_shown_by_their_own_serializer() -> None:
    class Full(BaseModelSerializer):
        teacher = RelatedField(TeacherSerializer)

        class Meta:
            model = Lesson
            fields = ["name", "teacher"]

    class WithLessons(BaseModelSerializer):
        lessons = RelatedField(with_meta(fields=["name"]), many=True)

        class Meta:
            model = Teacher
            fields = ["name"]

    teacher = Teacher(id=1, name="Ada", password="secret")
    lesson = Lesson(name="Tea", teacher=teacher)
    assert Full(lesson).data == {"name": "Tea", "teacher": {"id": 1, "name": "Ada"}}
    assert Full(Lesson(name="Alone")).data == {"name": "Alone", "teacher": None}
    assert WithLessons(teacher).data == {"name": "Ada", "lessons": [{"name": "Tea"}]}


def test_a_related_field_is_only_read(session: Session) -> None:
    class Full(BaseModelSerializer):
        teacher = RelatedField(TeacherSerializer)

        class Meta:
            model = Lesson
            fields = ["name", "teacher"]

    serializer = Full(data={"name": "Tea", "teacher": {"name": "Mallory"}})
    assert serializer.is_valid()
    assert serializer.save(session).teacher is None


def test_a_method_may_make_the_value() -> None:
    class Counted(BaseModelSerializer):
        letters = IntegerField(read_only=True)

        class Meta:
            model = Country
            fields = ["code"]

        def get_letters(self, instance: Country) -> int:
            return len(instance.name) * self.context["factor"]

    assert Counted(Country(code="FR", name="France"), context={"factor": 2}).data == {"code": "FR", "letters": 12}


def test_a_write_only_field_is_never_shown(session: Session) -> None:
    serializer = with_meta(fields=["name", "notes"], extra_kwargs={"notes": {"write_only": True}})
    made = serializer(data={"name": "Tea", "notes": "private"})
    assert made.is_valid()
    assert made.data == {"name": "Tea"}
    assert made.save(session).notes == "private"
    assert made.data == {"name": "Tea"}


# In


def test_what_a_client_sent_becomes_a_row(session: Session) -> None:
    serializer = LessonSerializer(
        data={"name": "Tea", "price": "9.90", "level": "BASIC", "starts_at": "2026-01-31T12:00Z"}
    )
    assert serializer.is_valid()
    assert serializer.errors == {}
    lesson = serializer.save(session)
    assert (lesson.id, lesson.price, lesson.level, lesson.seats) == (1, Decimal("9.90"), Level.BASIC, 10)
    session.refresh(lesson)
    assert serializer.data["starts_at"] == "2026-01-31T12:00:00+00:00"


def test_saving_does_not_commit(session: Session) -> None:
    serializer = LessonSerializer(data={"name": "Tea"})
    serializer.save(session)
    session.rollback()
    assert session.query(Lesson).count() == 0


def test_only_what_a_row_can_not_be_without_is_required() -> None:
    assert LessonSerializer(data={}).errors == {"name": ["This field is required."]}


def test_whether_it_is_valid_can_be_asked_with_and_without_a_call() -> None:
    valid, invalid = CountrySerializer(data={"code": "DE", "name": "Germany"}), CountrySerializer(data={})
    assert valid.is_valid
    assert valid.is_valid() is True
    assert not invalid.is_valid
    assert invalid.is_valid() is False


def test_an_invalid_request_can_be_answered_at_once() -> None:
    with pytest.raises(BadRequest) as caught:
        LessonSerializer(data={}).is_valid(raise_exception=True)
    assert caught.value.data == {"errors": {"name": ["This field is required."]}}


def test_without_data_nothing_is_valid() -> None:
    assert not LessonSerializer().is_valid()
    assert not LessonSerializer(Lesson(name="Tea")).is_valid()
    assert LessonSerializer().data == {}


@pytest.mark.parametrize("sent", [None, [], "text", 5, [{"name": "Tea"}]])
def test_what_is_no_object_is_refused(sent: object) -> None:
    assert LessonSerializer(data=sent).errors == {"__all__": ["Expected an object with fields."]}


def test_values_that_are_not_valid_are_not_given_out() -> None:
    serializer = LessonSerializer(data={"name": 5})
    assert serializer.errors == {"name": ["Expected text."]}
    with pytest.raises(ValueError, match="call is_valid"):
        _ = serializer.validated_data
    with pytest.raises(ValueError, match="call is_valid"):
        serializer.save()


@pytest.mark.parametrize("name", ["is_admin", "password", "api_token", "teacher", "__class__", "metadata", "registry"])
def test_a_name_that_is_no_field_is_refused(name: str) -> None:
    sent = {"name": "Ada", name: "x"}
    assert TeacherSerializer(data=sent).errors == {name: ["There is no such field."]}


def test_a_flood_of_unknown_names_is_not_repeated_in_full() -> None:
    assert len(LessonSerializer(data={"name": "Tea"} | {f"x{n}": 1 for n in range(1000)}).errors) == 20


def test_keys_and_timestamps_are_passed_over(session: Session) -> None:
    serializer = LessonSerializer(data={"name": "Tea", "id": 77, "created_at": "x", "updated_at": None})
    assert serializer.is_valid()
    assert serializer.save(session).id == 1


def test_read_only_fields_are_passed_over(session: Session) -> None:
    serializer = with_meta(fields=["name", "notes"], read_only_fields=["notes"])(data={"name": "Tea", "notes": "x"})
    assert serializer.is_valid()
    assert serializer.save(session).notes is None


def test_options_of_a_field_can_be_changed() -> None:
    serializer = with_meta(fields="__all__", extra_kwargs={"notes": {"required": True, "max_length": 3}})
    assert serializer(data={"name": "Tea"}).errors == {"notes": ["This field is required."]}
    assert "notes" in serializer(data={"name": "Tea", "notes": "long"}).errors


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("name", None),
        ("name", "x" * 21),
        ("name", "a\0"),
        ("seats", 2**15),
        ("seats", None),
        ("views", 2**63),
        ("price", "12345.6"),
        ("price", "NaN"),
        ("rating", "inf"),
        ("level", "BEST"),
        ("level", 1),
        ("starts_at", "tomorrow"),
        ("extra", float("nan")),
        ("teacher_id", "x"),
    ],
)
def test_what_a_column_can_not_hold_is_an_error_of_its_field(name: str, sent: object) -> None:
    assert list(LessonSerializer(data={"name": "Tea", name: sent}).errors) == [name]


def test_a_form_serves_as_data() -> None:
    serializer = LessonSerializer(data=MultiDict([("name", "Tea"), ("seats", "5")]))
    assert serializer.is_valid()
    assert serializer.validated_data == {"name": "Tea", "seats": 5}


def test_methods_check_a_value_and_all_values_together() -> None:
    class Checked(BaseModelSerializer):
        class Meta:
            model = Lesson
            fields = ["name", "seats"]

        def validate_name(self, value: str) -> str:
            if value == "Tea":
                raise ValidationError("No tea.")
            return value.title()

        def validate(self, values: dict[str, Any]) -> dict[str, Any]:
            if values.get("seats") == 13:
                raise ValidationError("Bad luck.")
            return values

    assert Checked(data={"name": "Tea"}).errors == {"name": ["No tea."]}
    assert Checked(data={"name": "Art", "seats": 13}).errors == {"__all__": ["Bad luck."]}
    assert Checked(data={"name": "art"}).validated_data == {"name": "Art"}


def test_what_a_validator_of_the_model_refuses_is_an_error_of_the_field(session: Session) -> None:
    teacher = Teacher(name="Ada")
    session.add(teacher)
    session.commit()
    assert TeacherSerializer(teacher, data={"name": "root"}).errors == {"name": ["Nobody is called root."]}
    assert not session.dirty


# Changing


def test_a_row_is_changed(session: Session) -> None:
    lesson = Lesson(name="Tea", notes="old", seats=3)
    session.add(lesson)
    session.commit()
    serializer = LessonSerializer(lesson, data={"name": "Coffee", "notes": None, "id": 9})
    assert serializer.is_valid()
    assert serializer.save(session) is lesson
    session.expire_all()
    assert (lesson.id, lesson.name, lesson.notes, lesson.seats) == (1, "Coffee", None, 3)


def test_only_a_partial_change_may_leave_out_what_is_required(session: Session) -> None:
    lesson = Lesson(name="Tea")
    assert LessonSerializer(lesson, data={"notes": "x"}).errors == {"name": ["This field is required."]}
    serializer = LessonSerializer(lesson, data={"notes": "x"}, partial=True)
    assert serializer.is_valid()
    assert serializer.save(session).notes == "x"
    assert lesson.name == "Tea"


def test_null_is_told_from_nothing_in_a_partial_change() -> None:
    assert LessonSerializer(Lesson(), data={"notes": None}, partial=True).validated_data == {"notes": None}
    assert LessonSerializer(Lesson(), data={}, partial=True).validated_data == {}


def test_a_key_that_clients_choose_is_chosen_once(session: Session) -> None:
    assert "code" in CountrySerializer(data={"name": "Germany"}).errors
    country = CountrySerializer(data={"code": "DE", "name": "Germany"}).save(session)
    changed = CountrySerializer(country, data={"code": "XX", "name": "Deutschland"})
    assert changed.save(session).code == "DE"


def test_a_value_that_is_taken_is_a_conflict(session: Session) -> None:
    LessonSerializer(data={"name": "Tea"}).save(session)
    with pytest.raises(HTTPException) as caught:
        LessonSerializer(data={"name": "Tea"}).save(session)
    assert caught.value.status == 409
    assert "lessons" not in caught.value.message


def test_several_objects_are_made_together(session: Session) -> None:
    serializer = CountrySerializer(
        data=[{"code": "DE", "name": "Germany"}, {"code": "FR", "name": "France"}], many=True
    )
    assert serializer.is_valid()
    assert serializer.errors == []
    assert [row["code"] for row in serializer.data] == ["DE", "FR"]
    assert len(serializer.save(session)) == 2
    assert session.query(Country).count() == 2


def test_each_of_several_objects_has_its_errors() -> None:
    serializer = CountrySerializer(data=[{"code": "DE", "name": "Germany"}, {"code": "FR"}], many=True)
    assert not serializer.is_valid()
    assert serializer.errors == [{}, {"name": ["This field is required."]}]
    assert CountrySerializer(data={}, many=True).errors == [{"__all__": ["Expected a list."]}]


# Classes


def test_a_serializer_without_a_model_checks_and_shows(session: Session) -> None:
    class Login(Serializer):
        name = StringField()
        remember = BooleanField(default=False)

    serializer = Login(data={"name": "Ada"})
    assert serializer.validated_data == {"name": "Ada", "remember": False}
    assert serializer.data == {"name": "Ada", "remember": False}


def test_declared_fields_are_inherited_overridden_and_taken_out() -> None:
    class Parent(Serializer):
        data = StringField()
        errors = StringField()

    class Child(Parent):
        errors = None

    assert list(Parent().fields) == ["data", "errors"]
    assert list(Child().fields) == ["data"]
    assert Child(data={"data": "x"}).validated_data == {"data": "x"}


def test_a_declared_field_goes_over_that_of_the_column() -> None:
    class Short(BaseModelSerializer):
        created_at = DateTimeField(read_only=True, format="%Y")

        class Meta:
            model = Lesson
            fields = ["name", "created_at"]

    assert Short(Lesson(name="Tea", created_at=datetime(2026, 1, 1))).data == {"name": "Tea", "created_at": "2026"}  # noqa: DTZ001


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "needs fields"),
        ({"fields": "name"}, "list of names"),
        ({"fields": ["nmae"]}, "nmae is no column"),
        ({"fields": ["teacher"]}, "RelatedField"),
        ({"fields": "__all__", "exclude": ["nmae"]}, "lacks"),
        ({"fields": "__all__", "read_only_fields": ["nmae"]}, "lacks"),
        ({"fields": "__all__", "model": None}, "mapped class"),
        ({"fields": ["photo"], "model": Teacher}, "no serializer field"),
    ],
)
def test_a_mistake_in_meta_is_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        with_meta(**options)()


# The example of the documentation


class Course(BaseModel):
    __tablename__ = "api_test_courses"
    name = Column(String(255), nullable=False)
    seats = Column(Integer, default=20)


class CourseSerializer(BaseModelSerializer):
    class Meta:
        model = Course
        fields = "__all__"  # This includes all fields from the Course model automatically


def api_course_list_create_view(request: Request) -> Any:
    db_session = request.db_session

    if request.method == "GET":
        courses = db_session.query(Course).all()
        serializer = CourseSerializer(instance=courses, many=True)
        return json_response(serializer.data, status=200)
    # From here on, what the documentation leaves to the reader.
    serializer = CourseSerializer(data=request.json)
    if not serializer.is_valid():
        return json_response(serializer.errors, status=400)
    serializer.save()
    return json_response(serializer.data, status=201)


@pytest.fixture
def client(session: Session) -> Client:
    Course.__table__.create(session.get_bind())
    app = make_app([path("/courses/", api_course_list_create_view, allowed_methods=["GET", "POST"])], MIDDLEWARES=[])
    app.container.add_request(Session, lambda request: session, name="db_session")
    return Client(app)


def test_the_view_of_the_documentation_lists_and_a_post_makes_courses(client: Client) -> None:
    made = client.post("/courses/", json={"name": "Tea", "id": 5})
    assert made.status_code == 201
    (course,) = client.get("/courses/").json()
    assert course == made.json()
    assert (course["id"], course["name"], course["seats"]) == (1, "Tea", 20)
    assert datetime.fromisoformat(course["created_at"]).tzinfo is not None


def test_a_post_that_is_not_valid_says_why(client: Client) -> None:
    refused = client.post("/courses/", json={"title": "Tea"})
    assert refused.status_code == 400
    assert refused.json() == {"title": ["There is no such field."], "name": ["This field is required."]}
