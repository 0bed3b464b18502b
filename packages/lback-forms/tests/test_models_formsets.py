"""Formsets of rows, and of rows that belong to another: what they change, and what a forged request can't."""

from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("sqlalchemy", reason="lback-forms[orm] is not installed")

from sqlalchemy import ForeignKey, ForeignKeyConstraint, UniqueConstraint, create_engine, event, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from lback.core.exceptions import ConfigurationError
from lback.forms.fields import CharField, IntegerField
from lback.forms.formsets import FormSet
from lback.forms.models import ModelForm
from lback.forms.models_formsets import modelformset_factory
from lback.forms.models_inlines import inlineformset_factory


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    lines: Mapped[list["Line"]] = relationship(back_populates="order", cascade="all, delete-orphan")


class Line(Base):
    __tablename__ = "lines"
    __table_args__ = (UniqueConstraint("order_id", "product"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    product: Mapped[str]
    count: Mapped[int] = mapped_column(default=1)
    position: Mapped[int] = mapped_column(default=0)
    order: Mapped[Order] = relationship(back_populates="lines")


class Region(Base):
    __tablename__ = "regions"
    country: Mapped[str] = mapped_column(primary_key=True)
    code: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class Town(Base):
    __tablename__ = "towns"
    __table_args__ = (ForeignKeyConstraint(["country", "region"], ["regions.country", "regions.code"]),)
    id: Mapped[int] = mapped_column(primary_key=True)
    country: Mapped[str]
    region: Mapped[int]
    name: Mapped[str]


class Transfer(Base):
    __tablename__ = "transfers"
    id: Mapped[int] = mapped_column(primary_key=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    target_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))


LineFormSet = inlineformset_factory(Order, Line, fields=["product", "count"], can_delete=True, extra=2)
Row = dict[str, Any]


@pytest.fixture
def session() -> Iterator[Session]:
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        mine = Order(title="Mine", lines=[Line(product="Tea", position=2), Line(product="Cake", count=2, position=1)])
        session.add_all([mine, Order(title="Hers", lines=[Line(product="Gold", count=9)])])
        session.commit()
        yield session
    engine.dispose()


def sent(*rows: Row, prefix: str = "line") -> Row:
    data = {f"{prefix}-TOTAL_FORMS": str(len(rows))}
    for index, row in enumerate(rows):
        data |= {f"{prefix}-{index}-{name}": value for name, value in row.items()}
    return data


TEA, CAKE, GOLD = "1", "2", "3"
AS_THEY_ARE = ({"KEY": TEA, "product": "Tea", "count": "1"}, {"KEY": CAKE, "product": "Cake", "count": "2"})


def lines(session: Session) -> list[tuple[int, int, str, int]]:
    """Return what is in the table: the keys of line and order, the product, the count."""
    session.expire_all()
    rows = session.scalars(select(Line).order_by(Line.id))
    return [(row.id, row.order_id, row.product, row.count) for row in rows]


UNTOUCHED = [(1, 1, "Tea", 1), (2, 1, "Cake", 2), (3, 2, "Gold", 9)]


def inline(session: Session, *rows: Row, **options: Any) -> Any:
    return LineFormSet(data=sent(*rows), instance=session.get(Order, 1), db_session=session, **options)


def codes(formset: FormSet) -> list[str | None]:
    return [error.code for error in formset.non_form_errors]


def test_the_rows_of_one_other_are_shown_and_empty_forms(session: Session) -> None:
    formset = LineFormSet(instance=session.get(Order, 1))
    assert [form["product"].value for form in formset] == ["Tea", "Cake", None, None]
    assert list(formset[0].fields) == ["product", "count", "DELETE", "KEY"]
    assert '<input type="hidden" name="line-0-KEY" value="1" id="id_line-0-KEY">' in formset.as_div
    assert "line-2-KEY" not in formset.as_div
    assert "Gold" not in formset.as_div


def test_rows_are_changed_added_and_deleted(session: Session) -> None:
    formset = inline(
        session,
        {"KEY": TEA, "product": "Green tea", "count": "3"},
        {"KEY": CAKE, "product": "Cake", "count": "2", "DELETE": "on"},
        {"product": "Milk", "count": "4"},
        {"product": "", "count": "1"},
    )
    assert formset.is_valid()
    assert [row.product for row in formset.save()] == ["Green tea", "Milk"]
    assert [row.product for row in formset.deleted_objects] == ["Cake"]
    assert [len(made) for made in (formset.new_objects, formset.changed_objects)] == [1, 1]
    assert lines(session) == [(1, 1, "Green tea", 3), (3, 2, "Gold", 9), (4, 1, "Milk", 4)]


def test_what_was_not_changed_is_not_written(session: Session) -> None:
    formset = inline(session, *AS_THEY_ARE)
    assert formset.is_valid()
    written = []
    event.listen(session.get_bind(), "before_cursor_execute", lambda *args: written.append(args[2]))
    assert formset.save() == []
    assert not [statement for statement in written if not statement.startswith("SELECT")]


def test_the_rows_are_added_with_a_new_one_of_the_other_model(session: Session) -> None:
    order = Order(title="New")
    formset = LineFormSet(data=sent({"product": "Tea", "count": "1"}), instance=order, db_session=session)
    assert formset.is_valid()
    session.add(order)
    formset.save()
    assert lines(session)[-1] == (4, order.id, "Tea", 1)
    assert [line.product for line in order.lines] == ["Tea"]


def test_the_collection_of_the_other_shows_what_was_saved(session: Session) -> None:
    order = session.get_one(Order, 1)
    assert len(order.lines) == 2
    formset = inline(session, {"product": "Milk", "count": "1"})
    assert formset.is_valid()
    formset.save(commit=False)
    assert {line.product for line in order.lines} == {"Tea", "Cake", "Milk"}
    session.rollback()
    assert lines(session) == UNTOUCHED


# What is forged


@pytest.mark.parametrize(
    "key", [GOLD, "99", "x", "1,2", "-1", "1 OR 1=1", "\0", "9" * 500, "%31", "٣"], ids=lambda key: repr(key)[:12]
)
def test_a_key_that_is_not_of_these_rows_changes_nothing(session: Session, key: str) -> None:
    formset = inline(session, *AS_THEY_ARE, {"KEY": key, "product": "Stolen", "count": "1", "DELETE": "on"})
    if key == "%31":  # another spelling of 1, which is here already
        assert codes(formset) == ["unknown_row"]
    assert not formset.is_valid()
    assert codes(formset) == ["unknown_row"]
    with pytest.raises(ValueError, match="valid formset"):
        formset.save()
    assert "Stolen" not in formset.as_div
    session.commit()
    assert lines(session) == UNTOUCHED


def test_a_row_can_not_come_twice(session: Session) -> None:
    formset = inline(session, AS_THEY_ARE[0], {"KEY": TEA, "product": "Other", "count": "1"})
    assert codes(formset) == ["unknown_row"]


def test_a_row_deleted_in_the_meantime_does_not_come_back(session: Session) -> None:
    session.delete(session.get(Line, 1))
    session.commit()
    assert codes(inline(session, *AS_THEY_ARE)) == ["unknown_row"]
    assert len(lines(session)) == 2


def test_rows_that_are_not_sent_stay(session: Session) -> None:
    formset = inline(session)
    assert formset.is_valid()
    formset.save()
    assert lines(session) == UNTOUCHED


def test_the_foreign_key_and_the_primary_key_are_never_read(session: Session) -> None:
    forged = {"id": GOLD, "order_id": "2", "order": "2", "position": "7"}
    formset = inline(session, AS_THEY_ARE[0] | forged | {"count": "5"}, {"product": "Milk", "count": "1"} | forged)
    assert formset.is_valid()
    formset.save()
    assert lines(session) == [(1, 1, "Tea", 5), *UNTOUCHED[1:], (4, 1, "Milk", 1)]


def test_a_query_narrows_down_which_rows_can_be_reached(session: Session) -> None:
    query = select(Line).where(Line.count > 1)
    formset = inline(session, AS_THEY_ARE[0], query=query)
    assert codes(formset) == ["unknown_row"]
    assert [form["product"].value for form in LineFormSet(instance=session.get(Order, 1), query=query)][:1] == ["Cake"]


def test_whoever_may_not_add_adds_nothing(session: Session) -> None:
    assert len(LineFormSet(instance=session.get(Order, 1), can_add=False)) == 2
    formset = inline(session, *AS_THEY_ARE, {"product": "Milk", "count": "1"}, can_add=False)
    assert codes(formset) == ["may_not_add"]


def test_whoever_may_not_change_changes_nothing(session: Session) -> None:
    formset = inline(session, {"KEY": TEA, "product": "Stolen", "count": "7"}, can_change=False)
    assert " disabled" in formset[0]["product"].input
    assert formset.is_valid()
    assert formset.save() == []
    assert lines(session) == UNTOUCHED


def test_whoever_may_not_delete_deletes_nothing(session: Session) -> None:
    formset = inline(session, AS_THEY_ARE[0] | {"DELETE": "on"}, can_delete=False)
    assert "DELETE" not in formset.as_div
    assert formset.is_valid()
    formset.save()
    assert lines(session) == UNTOUCHED


def test_whoever_may_only_delete_can_do_that(session: Session) -> None:
    formset = inline(session, AS_THEY_ARE[0] | {"DELETE": "on"}, can_change=False, can_add=False)
    assert formset.is_valid()
    formset.save()
    assert [row[2] for row in lines(session)] == ["Cake", "Gold"]


# Values that must be unique


def test_a_value_that_another_row_has_is_an_error_of_the_form(session: Session) -> None:
    formset = inline(session, {"product": "Tea", "count": "1"})
    assert not formset.is_valid()
    assert [error.code for error in formset.errors[0]["product"]] == ["unique"]


def test_values_that_come_twice_are_an_error_of_the_second(session: Session) -> None:
    for order in (session.get(Order, 1), Order(title="New")):
        rows = ({"product": "Milk", "count": "1"}, {"product": "Milk", "count": "2"})
        formset = LineFormSet(data=sent(*rows), instance=order, db_session=session)
        assert not formset.is_valid()
        assert [list(errors) for errors in formset.errors] == [[], ["product"]]


def test_the_value_of_a_row_that_is_deleted_is_free(session: Session) -> None:
    formset = inline(session, AS_THEY_ARE[0] | {"DELETE": "on"}, {"product": "Tea", "count": "8"})
    assert formset.is_valid()
    formset.save()
    assert [row[2:] for row in lines(session)] == [("Cake", 2), ("Gold", 9), ("Tea", 8)]


def test_a_refusal_of_the_database_is_an_error_of_the_whole_too(session: Session) -> None:
    formset = inline(session, {"product": "Milk", "count": "1"})
    assert formset.is_valid()
    session.add(Line(order_id=1, product="Milk"))
    with pytest.raises(IntegrityError):
        formset.save()
    assert codes(formset) == ["not_taken"]


# What it costs


class Payment(Base):
    __tablename__ = "payments"
    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    line_id: Mapped[int] = mapped_column(ForeignKey("lines.id"))
    line: Mapped[Line] = relationship()


@pytest.mark.parametrize("count", [2, 20])
def test_more_rows_are_shown_with_as_many_queries(session: Session, count: int) -> None:
    session.add_all(Payment(order_id=1, line_id=1 + number % 3) for number in range(count))
    session.commit()
    order = session.get_one(Order, 1)
    asked = []
    event.listen(session.get_bind(), "before_cursor_execute", lambda *args: asked.append(args[2]))
    formset = inlineformset_factory(Order, Payment, fields=["line"])(instance=order)
    assert formset.as_div.count(" selected>") == count + 1
    assert len(asked) == 3  # the payments, their lines, the lines to choose from


# Order


Ordered = inlineformset_factory(Order, Line, fields=["product"], order_field="position", can_delete=True)


def test_rows_are_shown_and_numbered_in_their_order(session: Session) -> None:
    formset = Ordered(instance=session.get(Order, 1))
    assert [(form["product"].value, form["ORDER"].value) for form in formset][:2] == [("Cake", 1), ("Tea", 2)]
    data = sent(
        {"KEY": TEA, "product": "Tea", "ORDER": "1"},
        {"KEY": CAKE, "product": "Cake", "ORDER": "20"},
        {"product": "Milk", "ORDER": "7"},
    )
    formset = Ordered(data=data, instance=session.get(Order, 1))
    assert formset.is_valid()
    formset.save()
    rows = session.scalars(select(Line).where(Line.order_id == 1).order_by(Line.position))
    assert [(row.product, row.position) for row in rows] == [("Tea", 1), ("Milk", 2), ("Cake", 3)]
    assert [row.product for row in formset.changed_objects] == ["Tea", "Cake"]


# Rows of a model as such


def test_all_rows_of_a_model_can_be_edited(session: Session) -> None:
    made = modelformset_factory(Order, fields=["title"], extra=1)
    assert [form["title"].value for form in made(db_session=session)] == ["Mine", "Hers", None]
    data = sent({"KEY": "2", "title": "His"}, {"title": "New"}, prefix="order")
    formset = made(data=data, db_session=session)
    assert formset.is_valid()
    formset.save()
    assert list(session.scalars(select(Order.title).order_by(Order.id))) == ["Mine", "His", "New"]


def test_existing_rows_may_be_more_than_may_be_filled_in(session: Session) -> None:
    made = modelformset_factory(Order, fields=["title"], max_num=1)
    assert len(made(db_session=session)) == 2
    rows = ({"KEY": "1", "title": "Mine"}, {"KEY": "2", "title": "Hers"})
    assert codes(made(data=sent(*rows, prefix="order"), db_session=session)) == ["too_many"]


def test_a_foreign_key_may_have_several_columns(session: Session) -> None:
    region = Region(country="fr", code=7)
    session.add_all([region, Town(country="fr", region=7, name="A"), Town(country="de", region=7, name="B")])
    session.commit()
    made = inlineformset_factory(Region, Town)
    assert [form["name"].value for form in made(instance=region)] == ["A", None]
    formset = made(data=sent({"name": "C"}, prefix="town"), instance=region)
    assert formset.is_valid()
    assert [(town.country, town.region) for town in formset.save()] == [("fr", 7)]


def test_a_foreign_key_is_chosen_where_there_are_several() -> None:
    with pytest.raises(ConfigurationError, match="2 foreign keys to Order; one is needed"):
        inlineformset_factory(Order, Transfer)
    made = inlineformset_factory(Order, Transfer, fk="source_id")
    assert made.foreign_key == (("source_id", "id"),)


def test_models_that_do_not_belong_together_stop_the_start() -> None:
    with pytest.raises(ConfigurationError, match="Town has no foreign key to Order"):
        inlineformset_factory(Order, Town)


def test_a_form_of_ones_own_may_be_given(session: Session) -> None:
    class LineForm(ModelForm):
        product = CharField(min_length=3)

        class Meta:
            model = Line
            fields = ["product", "order", "position"]

    made = inlineformset_factory(Order, Line, LineForm, order_field="position")
    formset = made(data=sent({"product": "ab"}), instance=session.get(Order, 1))
    assert list(formset[0].fields) == ["product", "ORDER"]
    assert [error.code for error in formset.errors[0]["product"]] == ["min_length"]


def test_a_form_that_declares_the_foreign_key_stops_the_start() -> None:
    class LineForm(ModelForm):
        order_id = IntegerField()

        class Meta:
            model = Line

    with pytest.raises(ConfigurationError, match="order_id"):
        inlineformset_factory(Order, Line, LineForm)


def test_an_inline_formset_needs_the_other_row() -> None:
    with pytest.raises(TypeError, match="instance="):
        LineFormSet()
