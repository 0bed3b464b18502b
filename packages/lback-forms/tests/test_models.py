"""Model forms: fields from columns, editing a row, and saving it."""

import enum
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

pytest.importorskip("sqlalchemy", reason="lback-forms[orm] is not installed")

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    DateTime,
    Enum,
    Integer,
    Interval,
    LargeBinary,
    Numeric,
    PickleType,
    String,
    Text,
    create_engine,
    func,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, validates

from lback.core.exceptions import ConfigurationError
from lback.core.uploads import UploadedFile
from lback.forms.fields import (
    BooleanField,
    CharField,
    DateTimeField,
    DecimalField,
    EmailField,
    IntegerField,
)
from lback.forms.models import ModelForm, modelform_factory
from lback.forms.validation import ValidationError
from lback.forms.widgets import Textarea, TextInput


class Base(DeclarativeBase):
    pass


class State(enum.Enum):
    DRAFT = "d"
    IN_REVIEW = "r"


class Article(Base):
    __tablename__ = "articles"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(20))
    slug: Mapped[str | None] = mapped_column(String(50), unique=True)
    body: Mapped[str] = mapped_column(Text, default="")
    rating: Mapped[float | None]
    price: Mapped[Decimal] = mapped_column(Numeric(6, 2), default=Decimal("9.90"))
    pages: Mapped[int] = mapped_column(server_default="1")
    views: Mapped[int | None] = mapped_column(BigInteger)
    published: Mapped[bool] = mapped_column(default=True)
    state: Mapped[State] = mapped_column(Enum(State))
    language: Mapped[str | None] = mapped_column(Enum("en", "de", name="language"))
    day: Mapped[date | None]
    starts_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    extra: Mapped[Any] = mapped_column(JSON, nullable=True)
    cover: Mapped[bytes | None] = mapped_column(LargeBinary)
    duration: Mapped[Any] = mapped_column(Interval, nullable=True)
    pickled: Mapped[Any] = mapped_column(PickleType, nullable=True)
    api_token: Mapped[str | None] = mapped_column(String(40))
    created_at: Mapped[datetime] = mapped_column(DateTime, server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(DateTime, server_default=func.now(), onupdate=func.now())

    @validates("slug")
    def _slug(self, _key: str, slug: str | None) -> str | None:
        if slug == "new":
            raise ValidationError("This slug is an address of the site.", "reserved")
        if slug == "old":
            raise ValueError("Too old.")
        return slug.lower() if slug else slug


class ArticleForm(ModelForm):
    class Meta:
        model = Article


class ShortForm(ModelForm):
    class Meta:
        model = Article
        fields = ["title", "state"]


VALID = {"title": "News", "state": "DRAFT"}


@pytest.fixture
def session() -> Iterator[Session]:
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        yield session
    engine.dispose()


def article(session: Session, **values: Any) -> Article:
    row = Article(**({"title": "Old", "state": State.DRAFT} | values))
    session.add(row)
    session.commit()
    return row


def saved(session: Session, data: dict[str, Any], **options: Any) -> Any:
    form = ArticleForm(data=data, **options)
    assert form.is_valid(), form.errors
    return form.save(db_session=session)


def codes(form: ModelForm) -> dict[str, list[str | None]]:
    return {name: [error.code for error in errors] for name, errors in form.errors.items()}


# Which fields there are


def test_a_form_has_what_a_person_enters_in_the_order_of_the_model() -> None:
    assert list(ArticleForm().fields) == [
        "title",
        "slug",
        "body",
        "rating",
        "price",
        "pages",
        "views",
        "published",
        "state",
        "language",
        "day",
        "starts_at",
        "extra",
        "cover",
        "duration",
    ]


def test_columns_get_the_field_of_their_type() -> None:
    kinds = {name: type(field).__name__ for name, field in ArticleForm().fields.items()}
    assert kinds == {
        "title": "CharField",
        "slug": "CharField",
        "body": "CharField",
        "rating": "FloatField",
        "price": "DecimalField",
        "pages": "IntegerField",
        "views": "IntegerField",
        "published": "BooleanField",
        "state": "ChoiceField",
        "language": "ChoiceField",
        "day": "DateField",
        "starts_at": "DateTimeField",
        "extra": "JSONField",
        "cover": "FileField",
        "duration": "DurationField",
    }


def test_options_come_from_the_column() -> None:
    fields = ArticleForm().fields
    assert isinstance(fields["title"], CharField)
    assert fields["title"].max_length == 20
    assert isinstance(fields["body"].widget, Textarea)
    assert isinstance(fields["price"], DecimalField)
    assert (fields["price"].max_digits, fields["price"].decimal_places) == (6, 2)
    assert isinstance(fields["starts_at"], DateTimeField)
    assert fields["starts_at"].timezone is UTC
    assert ArticleForm()["starts_at"].label == "Starts at"


def test_required_is_what_a_row_can_not_be_without() -> None:
    assert [name for name, field in ArticleForm().fields.items() if field.required] == ["title", "state"]


def test_a_new_form_shows_the_defaults_of_the_columns() -> None:
    form = ArticleForm()
    assert form["price"].value == "9.90"
    assert " checked" in form["published"].input


def test_an_enum_is_a_choice_of_its_members() -> None:
    html = ArticleForm()["state"].input
    assert '<option value="DRAFT">Draft</option><option value="IN_REVIEW">In review</option>' in html
    assert '<option value="" selected>' in html


def test_named_fields_are_all_there_is_and_exclude_is_ignored_then() -> None:
    class Form(ModelForm):
        class Meta:
            model = Article
            fields = ["state", "title"]
            exclude = ["title"]

    assert list(Form().fields) == ["state", "title"]


def test_excluded_columns_are_left_out() -> None:
    class Form(ModelForm):
        class Meta:
            model = Article
            exclude = ["title"]

    assert "title" not in Form().fields
    assert "state" in Form().fields


def test_what_is_left_out_by_itself_can_be_named() -> None:
    form = modelform_factory(Article, fields=["api_token", "created_at"])()
    assert list(form.fields) == ["api_token", "created_at"]


def test_widgets_and_classes_of_fields_can_be_given() -> None:
    class UpperField(CharField):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)

        def to_python(self, value: Any) -> Any:
            return super().to_python(value).upper()

    class Form(ModelForm):
        class Meta:
            model = Article
            fields = ["title", "slug", "duration"]
            widgets = {"title": TextInput(attrs={"placeholder": "Title"}), "slug": Textarea}
            field_classes = {"title": UpperField, "slug": EmailField, "duration": IntegerField}

    fields = Form().fields
    assert isinstance(fields["title"], UpperField)
    assert fields["title"].max_length == 20
    assert fields["title"].widget.attrs == {"placeholder": "Title"}
    assert isinstance(fields["slug"].widget, Textarea)
    assert isinstance(fields["slug"], EmailField)
    assert isinstance(fields["duration"], IntegerField)


def test_a_declared_field_goes_over_that_of_the_model_and_further_ones_follow() -> None:
    class Form(ShortForm):
        agreement = BooleanField()
        title = CharField(min_length=5, label="Headline")

    form = Form(data=VALID)
    assert list(form.fields) == ["title", "state", "agreement"]
    assert form["title"].label == "Headline"
    assert codes(form) == {"title": ["min_length"], "agreement": ["required"]}


@pytest.mark.parametrize("option", ["fields", "widgets", "field_classes"])
def test_a_name_that_the_model_does_not_have_stops_the_start(option: str) -> None:
    given: Any = ["titel"] if option == "fields" else {"titel": Textarea}
    meta = type("Meta", (), {"model": Article, option: given})
    with pytest.raises(ConfigurationError, match="'titel', which Article does not have"):
        type(ModelForm)("Form", (ModelForm,), {"Meta": meta})


def test_a_text_in_place_of_the_list_of_fields_stops_the_start() -> None:
    with pytest.raises(ConfigurationError, match="list of names"):
        modelform_factory(Article, fields="title")


def test_a_class_that_is_not_mapped_stops_the_start() -> None:
    with pytest.raises(ConfigurationError, match="mapped class"):
        modelform_factory(dict)


def test_a_form_without_a_model_says_so() -> None:
    with pytest.raises(ConfigurationError, match="class Meta"):
        ModelForm()


def test_a_column_without_a_field_says_what_to_do() -> None:
    with pytest.raises(ConfigurationError, match="field_classes"):
        modelform_factory(Article, fields=["pickled"])()


def test_a_row_of_another_model_is_refused() -> None:
    with pytest.raises(TypeError, match="edits a Article"):
        ArticleForm(instance=object())


def test_forms_do_not_share_their_fields() -> None:
    ShortForm().fields["title"].required = False
    assert ShortForm().fields["title"].required


def test_the_factory_takes_widgets_and_a_base() -> None:
    class Shouting(ModelForm):
        def clean_title(self, value: str) -> str:
            return value.upper()

    form_class = modelform_factory(Article, ["title"], widgets={"title": Textarea}, base=Shouting)
    form = form_class(data={"title": "a"})
    assert form_class.__name__ == "ArticleForm"
    assert isinstance(form.fields["title"].widget, Textarea)
    assert form.is_valid()
    assert form.cleaned_data == {"title": "A"}


def test_the_factory_keeps_what_the_meta_of_its_base_says() -> None:
    class Wide(ModelForm):
        class Meta:
            model = Article
            widgets = {"title": Textarea}

    assert isinstance(modelform_factory(Article, ["title"], base=Wide)().fields["title"].widget, Textarea)


# Saving


def test_saving_makes_a_row(session: Session) -> None:
    sent = VALID | {"rating": "4.5", "price": "1.20", "day": "2026-01-31", "extra": '{"a": 1}', "published": "on"}
    form = ArticleForm(data=sent)
    assert form.is_valid()
    row = form.save(db_session=session)
    session.expire_all()
    assert (row.id, row.title, row.state, row.rating, row.price) == (1, "News", State.DRAFT, 4.5, Decimal("1.20"))
    assert (row.day, row.extra, row.published) == (date(2026, 1, 31), {"a": 1}, True)


def test_what_was_not_sent_gets_the_default_of_the_column(session: Session) -> None:
    row = saved(session, VALID)
    assert (row.body, row.price, row.pages) == ("", Decimal("9.90"), 1)


def test_what_was_left_empty_is_null_where_the_column_allows_it(session: Session) -> None:
    row = saved(session, VALID | {"slug": "", "rating": "", "language": "", "price": "", "pages": ""})
    assert (row.slug, row.rating, row.language) == (None, None, None)
    assert (row.price, row.pages) == (Decimal("9.90"), 1)


def test_a_box_that_is_not_ticked_is_false_whatever_the_default(session: Session) -> None:
    assert saved(session, VALID).published is False


def test_saving_with_a_row_changes_it(session: Session) -> None:
    row = article(session, slug="old-slug")
    form = ShortForm(data={"title": "New", "state": "IN_REVIEW"}, instance=row)
    assert form.is_valid()
    assert form.save(db_session=session) is row
    session.expire_all()
    assert session.query(Article).count() == 1
    assert (row.title, row.state, row.slug) == ("New", State.IN_REVIEW, "old-slug")


def test_a_form_that_is_not_valid_leaves_the_row_alone(session: Session) -> None:
    row = article(session)
    form = ShortForm(data={"title": "", "state": "IN_REVIEW"}, instance=row)
    assert not form.is_valid()
    assert row.state is State.DRAFT
    assert not session.dirty
    with pytest.raises(ValueError, match="saves a valid form"):
        form.save(db_session=session)


def test_an_unbound_form_is_not_saved(session: Session) -> None:
    with pytest.raises(ValueError, match="saves a valid form"):
        ShortForm().save(db_session=session)


def test_saving_without_a_session_says_so() -> None:
    with pytest.raises(ValueError, match="needs a database session"):
        ShortForm(data=VALID).save()


def test_the_session_of_the_form_is_used_when_none_is_given(session: Session) -> None:
    assert ShortForm(data=VALID, db_session=session).save().id == 1


def test_without_commit_the_row_is_flushed_and_can_be_rolled_back(session: Session) -> None:
    form = ShortForm(data=VALID)
    assert form.is_valid()
    row = form.save(db_session=session, commit=False)
    assert row.id == 1
    session.rollback()
    assert session.query(Article).count() == 0


def test_without_commit_a_row_that_lacks_something_can_still_be_completed(session: Session) -> None:
    form = modelform_factory(Article, fields=["title"])(data={"title": "News"})
    assert form.is_valid()
    row = form.save(db_session=session, commit=False)
    row.state = State.DRAFT
    session.commit()
    assert row.id == 1


def test_a_field_that_is_no_column_and_one_that_is_not_named_are_not_saved(session: Session) -> None:
    class Form(ShortForm):
        agreement = BooleanField()
        slug = CharField()

    form = Form(data=VALID | {"agreement": "on", "slug": "a"})
    assert form.is_valid()
    assert form.save(db_session=session).slug is None


def test_what_was_sent_for_no_field_is_not_saved(session: Session) -> None:
    form = ShortForm(data=VALID | {"id": "77", "api_token": "x", "slug": "x"})
    assert form.is_valid()
    row = form.save(db_session=session)
    assert (row.id, row.api_token, row.slug) == (1, None, None)


def test_what_a_clean_method_adds_for_a_column_is_saved(session: Session) -> None:
    class Form(ShortForm):
        def clean_title(self, value: str) -> str:
            self.cleaned_data["slug"] = value.lower()
            self.cleaned_data["no_column"] = 1
            return value

    form = Form(data=VALID)
    assert form.is_valid()
    assert form.save(db_session=session).slug == "news"


def test_a_row_shows_its_values(session: Session) -> None:
    row = article(session, rating=1.5, slug="s", starts_at=datetime(2026, 1, 31, 12, 0, tzinfo=UTC), language="de")
    form = ArticleForm(instance=row, initial={"slug": "initial"})
    assert form["title"].value == "Old"
    assert 'value="1.5"' in form["rating"].input
    assert form["slug"].value == "initial"
    assert '<option value="DRAFT" selected>' in form["state"].input
    assert '<option value="de" selected>' in form["language"].input
    assert 'value="2026-01-31T12:00"' in form["starts_at"].input


def test_a_value_that_the_column_can_not_be_without_can_not_be_emptied(session: Session) -> None:
    row = article(session, pages=5)
    form = ArticleForm(data=VALID | {"pages": "", "price": ""}, instance=row)
    assert codes(form) == {"pages": ["required"]}


def test_emptying_a_value_with_a_default_gives_the_default(session: Session) -> None:
    row = article(session, price=Decimal(1))
    assert saved(session, VALID | {"price": ""}, instance=row).price == Decimal("9.90")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("pages", str(2**31)),
        ("views", str(2**63)),
        ("price", "12345.6"),
        ("price", "NaN"),
        ("rating", "inf"),
        ("state", "d"),
        ("language", "fr"),
        ("title", "x" * 21),
        ("title", "a\0"),
        ("extra", "{"),
        ("day", "2026-02-30"),
    ],
)
def test_what_the_column_can_not_hold_is_an_error_of_the_field(name: str, value: str) -> None:
    assert list(ArticleForm(data=VALID | {name: value}).errors) == [name]


# What the model and the database say


def test_what_a_validator_of_the_model_refuses_is_an_error_of_the_field(session: Session) -> None:
    row = article(session)
    assert codes(ArticleForm(data=VALID | {"slug": "new"}, instance=row)) == {"slug": ["reserved"]}
    assert [str(error) for error in ArticleForm(data=VALID | {"slug": "old"}).errors["slug"]] == ["Too old."]
    assert not session.dirty


def test_a_value_that_is_taken_is_an_error_of_the_field(session: Session) -> None:
    article(session, slug="taken")
    form = ArticleForm(data=VALID | {"slug": "taken"}, db_session=session)
    assert codes(form) == {"slug": ["unique"]}


def test_it_is_taken_also_when_only_the_validator_makes_it_equal(session: Session) -> None:
    article(session, slug="taken")
    assert codes(ArticleForm(data=VALID | {"slug": "TAKEN"}, db_session=session)) == {"slug": ["unique"]}


def test_a_row_may_keep_its_own_unique_value(session: Session) -> None:
    row = article(session, slug="mine")
    assert ArticleForm(data=VALID | {"slug": "mine"}, instance=row).is_valid()


def test_a_row_can_not_take_the_unique_value_of_another(session: Session) -> None:
    article(session, slug="taken")
    row = article(session, slug="mine")
    assert codes(ArticleForm(data=VALID | {"slug": "taken"}, instance=row)) == {"slug": ["unique"]}


def test_null_is_never_taken(session: Session) -> None:
    article(session)
    assert ArticleForm(data=VALID | {"slug": ""}, db_session=session).is_valid()


def test_a_value_taken_in_the_meantime_is_an_error_of_the_form_too(session: Session) -> None:
    form = ArticleForm(data=VALID | {"slug": "taken"})
    assert form.is_valid()
    article(session, slug="taken")
    with pytest.raises(IntegrityError):
        form.save(db_session=session)
    session.rollback()
    assert codes(form) == {"__all__": ["not_taken"]}


# Files


def test_the_content_of_a_file_is_stored(session: Session, upload: Callable[..., UploadedFile]) -> None:
    file = upload("a.png", b"\x89PNG")
    file.read()
    assert saved(session, VALID, files={"cover": file}).cover == b"\x89PNG"


def test_no_new_file_leaves_the_old_one(session: Session) -> None:
    row = article(session, cover=b"old")
    assert saved(session, VALID, instance=row).cover == b"old"


def test_a_required_file_is_not_asked_for_again(session: Session, upload: Callable[..., UploadedFile]) -> None:
    class Scan(Base):
        __tablename__ = "scans"
        id = Column(Integer, primary_key=True)
        content = Column(LargeBinary, nullable=False)

    Base.metadata.create_all(session.get_bind())
    form_class = modelform_factory(Scan)
    assert codes(form_class(data={})) == {"content": ["required"]}
    form = form_class(data={}, files={"content": upload()})
    assert form.is_valid()
    row = form.save(db_session=session)
    assert " required" not in form_class(instance=row)["content"].input
    assert form_class(data={}, instance=row).is_valid()


def test_a_file_is_not_shown(session: Session) -> None:
    row = article(session, cover=b"secret")
    assert "secret" not in ArticleForm(instance=row).as_p
