"""Model forms: choosing rows of other models, keys of several columns, and what is unique together."""

from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("sqlalchemy", reason="lback-forms[orm] is not installed")

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, ForeignKey, ForeignKeyConstraint, String, Table, UniqueConstraint, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from lback.core.container import Container
from lback.core.exceptions import ConfigurationError
from lback.core.request import Request
from lback.core.response import Response
from lback.core.testing import Client, make_app
from lback.forms import models_relations
from lback.forms.fields import CharField
from lback.forms.forms import Form
from lback.forms.models import ModelChoiceField, ModelForm, ModelMultipleChoiceField, modelform_factory
from lback.forms.validation import ValidationError
from lback.utils.urls import path


class Base(DeclarativeBase):
    pass


book_tags = Table(
    "book_tags",
    Base.metadata,
    Column("book_id", ForeignKey("books.id"), primary_key=True),
    Column("tag_id", ForeignKey("tags.id"), primary_key=True),
)
book_readers = Table(
    "book_readers",
    Base.metadata,
    Column("book_id", ForeignKey("books.id"), primary_key=True),
    Column("reader_id", ForeignKey("readers.id"), primary_key=True),
)


class Author(Base):
    __tablename__ = "authors"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(50))
    books: Mapped[list["Book"]] = relationship(back_populates="author", foreign_keys="Book.author_id")


class Tag(Base):
    __tablename__ = "tags"

    id: Mapped[str] = mapped_column(String(20), primary_key=True)

    def __str__(self) -> str:
        return f"#{self.id}"


class Reader(Base):
    __tablename__ = "readers"

    id: Mapped[int] = mapped_column(primary_key=True)


class Shelf(Base):
    __tablename__ = "shelves"

    room: Mapped[str] = mapped_column(String(10), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)


class Book(Base):
    __tablename__ = "books"
    __table_args__ = (
        UniqueConstraint("title", "author_id"),
        ForeignKeyConstraint(["shelf_room", "shelf_number"], ["shelves.room", "shelves.number"]),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(50))
    author_id: Mapped[int] = mapped_column(ForeignKey("authors.id"))
    editor_id: Mapped[int | None] = mapped_column(ForeignKey("authors.id"))
    shelf_room: Mapped[str | None] = mapped_column(String(10))
    shelf_number: Mapped[int | None]
    author: Mapped[Author] = relationship(back_populates="books", foreign_keys=[author_id])
    shelf: Mapped[Shelf | None] = relationship()
    tags: Mapped[list[Tag]] = relationship(secondary=book_tags)
    readers: Mapped[set[Reader]] = relationship(secondary=book_readers)


class BookForm(ModelForm):
    class Meta:
        model = Book
        fields = ["title", "author", "tags"]


@pytest.fixture
def session() -> Iterator[Session]:
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all([Author(id=1, name="Zadie"), Author(id=2, name="<Amos>"), Tag(id="new"), Tag(id="a,b")])
        session.add_all([Reader(id=1), Reader(id=2), Shelf(room="A", number=1), Shelf(room="A", number=2)])
        session.commit()
        yield session
    engine.dispose()


def codes(form: Form) -> dict[str, list[str | None]]:
    return {name: [error.code for error in errors] for name, errors in form.errors.items()}


def test_relationships_stand_for_their_foreign_keys(session: Session) -> None:
    fields = modelform_factory(Book)(db_session=session).fields
    assert list(fields) == ["title", "author", "editor_id", "shelf", "tags", "readers"]
    assert [name for name, field in fields.items() if field.required] == ["title", "author"]


def test_the_many_side_is_not_chosen() -> None:
    assert list(modelform_factory(Author)().fields) == ["name"]
    with pytest.raises(ConfigurationError, match="one-to-many"):
        modelform_factory(Author, fields=["books"])()


def test_the_rows_are_offered_by_name_escaped_with_an_empty_option(session: Session) -> None:
    html = BookForm(db_session=session)["author"].input
    assert html == (
        '<select name="author" id="id_author" required><option value="" selected>---------</option>'
        '<option value="2">&lt;Amos&gt;</option><option value="1">Zadie</option></select>'
    )


def test_several_rows_are_offered_by_their_text(session: Session) -> None:
    html = BookForm(db_session=session)["tags"].input
    assert '<option value="a%2Cb">#a,b</option><option value="new">#new</option>' in html
    assert " multiple" in html


def test_a_row_without_a_name_is_offered_by_its_key(session: Session) -> None:
    assert ">Reader 1</option>" in modelform_factory(Book, ["readers"])(db_session=session)["readers"].input


def test_chosen_rows_are_saved(session: Session) -> None:
    form = BookForm(data={"title": "T", "author": "1", "tags": ["new", "a%2Cb", "new"]}, db_session=session)
    assert form.is_valid(), form.errors
    assert form.cleaned_data["author"].name == "Zadie"
    book = form.save(commit=False)
    assert book.author_id == 1
    assert {tag.id for tag in book.tags} == {"new", "a,b"}


def test_editing_shows_and_changes_what_is_chosen(session: Session) -> None:
    book = Book(title="T", author_id=1, tags=[session.get_one(Tag, "new")])
    session.add(book)
    session.commit()
    form = BookForm(instance=book)
    assert '<option value="1" selected>' in form["author"].input
    assert '<option value="new" selected>' in form["tags"].input
    changed = BookForm(data={"title": "T", "author": "2", "tags": ["a%2Cb"]}, instance=book)
    assert changed.is_valid()
    changed.save(session)
    assert (book.author.name, [tag.id for tag in book.tags]) == ("<Amos>", ["a,b"])


def test_collections_may_be_sets(session: Session) -> None:
    form = modelform_factory(Book, ["title", "author", "readers"])(
        data={"title": "T", "author": "1", "readers": ["1", "2"]}, db_session=session
    )
    assert form.is_valid()
    assert {reader.id for reader in form.save().readers} == {1, 2}


def test_a_key_of_several_columns_is_one_choice(session: Session) -> None:
    form = modelform_factory(Book, ["shelf"])(data={"shelf": "A,2"}, db_session=session)
    assert '<option value="A,2" selected>Shelf A,2</option>' in form["shelf"].input
    assert form.is_valid()
    assert form.cleaned_data["shelf"].number == 2


def test_several_keys_of_several_columns_are_found(session: Session) -> None:
    field = ModelMultipleChoiceField(Shelf, db_session=session)
    assert [row.number for row in field.clean(["A,1", "A,2"])] == [1, 2]


@pytest.mark.parametrize(
    "forged", ["3", "x", "1.0", "1,2", "9" * 400, "99999999999999999999", "1\0", "\uff11", "1 OR 1=1"]
)
def test_a_forged_choice_is_an_error_of_the_field(session: Session, forged: str) -> None:
    assert codes(BookForm(data={"title": "T", "author": forged}, db_session=session)) == {"author": ["choice"]}
    sent = {"title": "T", "author": "1", "tags": ["new", forged]}
    assert codes(BookForm(data=sent, db_session=session)) == {"tags": ["list"]}


@pytest.mark.parametrize("forged", [["1"], {"id": 1}, 1.5, True, [["new"]], [None]])
def test_json_of_another_shape_is_an_error_of_the_field(session: Session, forged: Any) -> None:
    assert "author" in BookForm(data={"title": "T", "author": forged}, db_session=session).errors
    assert "tags" in BookForm(data={"title": "T", "author": 1, "tags": forged or [0]}, db_session=session).errors


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.builds(lambda: 10**5000),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=3), children, max_size=2),
    max_leaves=4,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=ANYTHING)
@pytest.mark.parametrize("kind", [ModelChoiceField, ModelMultipleChoiceField])
@pytest.mark.parametrize("model", [Author, Tag, Shelf])
def test_whatever_is_sent_for_rows_is_answered(
    session: Session, kind: type[ModelChoiceField], model: type, value: Any
) -> None:
    field = kind(model, db_session=session, required=False)
    try:
        cleaned = field.clean(value)
    except ValidationError:
        assert field.has_changed(None, value) in (True, False)
    else:
        rows = cleaned if isinstance(cleaned, list) else [cleaned]
        assert all(row is None or isinstance(row, model) for row in rows)
    assert "<script" not in field.render("f", value)


def test_whether_a_choice_was_changed_is_told_without_a_query(session: Session) -> None:
    one, several = ModelChoiceField(Author), ModelMultipleChoiceField(Tag)
    author, tags = session.get_one(Author, 1), list(session.scalars(select(Tag)))
    assert [one.has_changed(author, sent) for sent in ("1", "01", "2", "", "x")] == [False, False, True, True, True]
    assert several.has_changed(tags, [models_relations.key_text(tag) for tag in reversed(tags)]) is False
    assert several.has_changed(tags, []) is True


def test_a_query_says_which_rows_may_be_chosen(session: Session) -> None:
    class PickForm(Form):
        author = ModelChoiceField(Author, query=select(Author).where(Author.id == 1), db_session=session)

    assert "Amos" not in PickForm()["author"].input
    assert PickForm(data={"author": "1"}).is_valid()
    assert codes(PickForm(data={"author": "2"})) == {"author": ["choice"]}


def test_a_long_list_is_cut_and_still_shows_what_is_chosen(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models_relations, "MAX_OPTIONS", 1)
    html = BookForm(data={"author": "2"}, db_session=session)["author"].input
    assert html.count("<option") == 3
    assert '<option value="2" selected>' in html


def test_many_choices_are_looked_up_in_batches(session: Session) -> None:
    session.add_all([Reader(id=number) for number in range(3, 1203)])
    session.flush()
    field = ModelMultipleChoiceField(Reader, db_session=session)
    assert len(field.clean([str(number) for number in range(1, 1203)])) == 1202


def test_without_a_session_it_says_what_to_pass() -> None:
    with pytest.raises(RuntimeError, match="db_session=session"):
        _ = BookForm()["author"].input


def test_in_a_request_the_session_is_that_of_the_request(session: Session) -> None:
    def view(request: Request) -> Response:
        return Response(BookForm().as_p)

    app = make_app([path("/", view)], MIDDLEWARES=[])
    container: Container = app.container
    container.add_request(Session, lambda request: session, name="db_session")
    assert "Zadie" in Client(app).get("/").text


# Unique together


def test_values_that_are_unique_together_are_an_error_of_the_form(session: Session) -> None:
    session.add(Book(title="T", author_id=1))
    session.commit()
    form = BookForm(data={"title": "T", "author": "1"}, db_session=session)
    assert [str(error) for error in form.non_field_errors] == [
        "There is an entry with these values already: Title, Author."
    ]
    assert BookForm(data={"title": "T", "author": "2"}, db_session=session).is_valid()


def test_the_part_that_the_form_does_not_have_comes_from_the_row(session: Session) -> None:
    session.add_all([Book(title="T", author_id=1), Book(title="U", author_id=1)])
    session.commit()
    row = session.scalars(select(Book).where(Book.title == "U")).one()
    form_class = modelform_factory(Book, ["title"])
    assert codes(form_class(data={"title": "T"}, instance=row)) == {"title": ["unique"]}
    assert form_class(data={"title": "U"}, instance=row).is_valid()


def test_a_primary_key_that_is_entered_is_unique(session: Session) -> None:
    form = modelform_factory(Tag)(data={"id": "new"}, db_session=session)
    assert codes(form) == {"id": ["unique"]}
    assert isinstance(form.fields["id"], CharField)


def test_looking_at_the_choices_does_not_write_anything(session: Session) -> None:
    session.add(Author())  # not ready: it has no name yet
    assert BookForm(data={"title": "T", "author": "1"}, db_session=session).is_valid()
    assert len(session.new) == 1
