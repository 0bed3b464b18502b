"""Columns of every type: the field each gets, and that what the field takes the column gives back."""

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest

pytest.importorskip("sqlalchemy", reason="lback-forms[orm] is not installed")

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, Session, mapped_column, relationship
from sqlalchemy.types import TypeDecorator, TypeEngine

from lback.core.uploads import UploadedFile
from lback.forms.models import modelform_factory
from lback.forms.models_types import field_for_type
from lback.forms.validation import ValidationError


class Upper(TypeDecorator[str]):
    impl = sa.String(5)
    cache_ok = True


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        (sa.BigInteger(), "IntegerField"),
        (sa.Boolean(), "BooleanField"),
        (sa.Date(), "DateField"),
        (sa.DateTime(), "DateTimeField"),
        (sa.Double(), "FloatField"),
        (sa.Enum("a", "b"), "ChoiceField"),
        (sa.Float(), "FloatField"),
        (sa.Float(asdecimal=True), "DecimalField"),
        (sa.Integer(), "IntegerField"),
        (sa.Interval(), "DurationField"),
        (sa.LargeBinary(), "FileField"),
        (sa.Numeric(5, 2), "DecimalField"),
        (sa.Numeric(asdecimal=False), "FloatField"),
        (sa.SmallInteger(), "IntegerField"),
        (sa.String(), "CharField"),
        (sa.Text(), "CharField"),
        (sa.Time(), "TimeField"),
        (sa.Unicode(), "CharField"),
        (sa.UnicodeText(), "CharField"),
        (sa.Uuid(), "UUIDField"),
        (sa.JSON(), "JSONField"),
        (sa.ARRAY(sa.Integer), "ListField"),
        (sa.BINARY(), "FileField"),
        (sa.VARBINARY(5), "FileField"),
        (sa.BLOB(), "FileField"),
        (sa.CHAR(5), "CharField"),
        (sa.CLOB(), "CharField"),
        (sa.DECIMAL(), "DecimalField"),
        (sa.NCHAR(), "CharField"),
        (sa.NVARCHAR(), "CharField"),
        (sa.REAL(), "FloatField"),
        (sa.TIMESTAMP(), "DateTimeField"),
        (Upper(), "CharField"),
        (postgresql.INET(), "IPAddressField"),
        (postgresql.CIDR(), "RegexField"),
        (postgresql.MACADDR(), "RegexField"),
        (postgresql.CITEXT(), "CharField"),
        (postgresql.JSONB(), "JSONField"),
        (postgresql.INTERVAL(), "DurationField"),
        (postgresql.BYTEA(), "FileField"),
        (postgresql.ARRAY(sa.Date), "ListField"),
        (mysql.TINYINT(), "IntegerField"),
        (mysql.YEAR(), "IntegerField"),
        (mysql.MEDIUMTEXT(), "CharField"),
        (mysql.MEDIUMBLOB(), "FileField"),
        (mysql.DOUBLE(), "DecimalField"),
        (sa.PickleType(), None),
        (sa.ARRAY(sa.Integer, dimensions=2), None),
        (postgresql.TSVECTOR(), None),
        (postgresql.INT4RANGE(), None),
    ],
    ids=repr,
)
def test_every_type_has_its_field(kind: TypeEngine[Any], field: str | None) -> None:
    found = field_for_type(kind)
    assert (found and found[0].__name__) == field
    if found is not None and field != "ChoiceField":
        found[0](**found[1])


@pytest.mark.parametrize(
    ("kind", "fits", "too_much"),
    [
        (sa.SmallInteger(), "-32768", "32768"),
        (sa.Integer(), "2147483647", "2147483648"),
        (sa.BigInteger(), str(2**63 - 1), str(2**63)),
        (mysql.TINYINT(), "127", "128"),
        (mysql.TINYINT(unsigned=True), "255", "256"),
        (mysql.INTEGER(unsigned=True), "4294967295", "-1"),
        (sa.REAL(), "1e38", "1e39"),
        (sa.Numeric(5, 2), "999.99", "1000"),
        (postgresql.MACADDR(), "08:00:2b:01:02:03", "08:00:2b:01:02"),
        (postgresql.CIDR(), "192.0.2.0/24", "192.0.2.0"),
        (sa.String(3), "abc", "abcd"),
        (sa.ARRAY(sa.SmallInteger), "1\n2", "1\n40000"),
    ],
    ids=repr,
)
def test_what_the_column_can_not_hold_is_refused(kind: TypeEngine[Any], fits: str, too_much: str) -> None:
    found = field_for_type(kind)
    assert found is not None
    field = found[0](**found[1])
    field.clean(fits)
    with pytest.raises(ValidationError):
        field.clean(too_much)


class Base(DeclarativeBase):
    pass


class Everything(Base):
    __tablename__ = "everything"
    id: Mapped[int] = mapped_column(primary_key=True)
    big: Mapped[int] = mapped_column(sa.BigInteger)
    small: Mapped[int] = mapped_column(sa.SmallInteger)
    real: Mapped[float] = mapped_column(sa.Float)
    money: Mapped[Decimal] = mapped_column(sa.Numeric(8, 2))
    text: Mapped[str] = mapped_column(sa.Text)
    flag: Mapped[bool]
    day: Mapped[date]
    moment: Mapped[datetime]
    hour: Mapped[time]
    length: Mapped[timedelta]
    code: Mapped[uuid.UUID] = mapped_column(sa.Uuid)
    document: Mapped[Any] = mapped_column(sa.JSON)
    kind: Mapped[str] = mapped_column(sa.Enum("a", "b", name="kind"))
    content: Mapped[bytes]
    cover: Mapped[bytes | None]


@pytest.fixture
def session() -> Iterator[Session]:
    engine = sa.create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        yield session
    engine.dispose()


SENT = {
    "big": str(2**40),
    "small": "-3",
    "real": "1.5",
    "money": "9.90",
    "text": "a\r\nb",
    "flag": "on",
    "day": "2026-01-31",
    "moment": "2026-01-31T14:30",
    "hour": "14:30:05",
    "length": "1 02:00:00",
    "code": "6f1c7a52-0000-4000-8000-000000000001",
    "document": '{"a": [1]}',
    "kind": "b",
}
EXPECTED = {
    "big": 2**40,
    "small": -3,
    "real": 1.5,
    "money": Decimal("9.90"),
    "text": "a\nb",
    "flag": True,
    "day": date(2026, 1, 31),
    "moment": datetime(2026, 1, 31, 14, 30),  # noqa: DTZ001
    "hour": time(14, 30, 5),
    "length": timedelta(days=1, hours=2),
    "code": uuid.UUID("6f1c7a52-0000-4000-8000-000000000001"),
    "document": {"a": [1]},
    "kind": "b",
    "content": b"content",
    "cover": b"cover",
}


def test_a_row_of_all_types_is_saved_shown_and_left_as_it_is(
    session: Session, upload: Callable[..., UploadedFile]
) -> None:
    form_class = modelform_factory(Everything)
    files = {"content": upload(content=b"content"), "cover": upload(content=b"cover")}
    form = form_class(data=SENT, files=files, db_session=session)
    assert form.is_valid(), form.errors
    row = form.save()
    session.expire_all()
    assert {name: getattr(row, name) for name in EXPECTED} == EXPECTED

    shown = form_class(instance=row)
    again = {field.name: field.value for field in shown if field.name not in files}
    # What the page shows, sent back, changes nothing.
    back = {name: value if isinstance(value, str | bool) else SENT[name] for name, value in again.items()}
    form = form_class(data=back, instance=row)
    assert form.is_valid(), form.errors
    assert form.changed_data == []
    form.save()
    session.expire_all()
    assert {name: getattr(row, name) for name in EXPECTED} == EXPECTED


def test_digits_of_a_second_that_no_browser_shows_are_kept(session: Session) -> None:
    moment = datetime(2026, 1, 31, 14, 30, 5, 123456)  # noqa: DTZ001
    row = Everything(**EXPECTED | {"moment": moment, "hour": moment.time()})
    session.add(row)
    session.commit()
    form_class = modelform_factory(Everything, ["moment", "hour"])
    shown = {"moment": "2026-01-31T14:30:05.123", "hour": "14:30:05.123"}
    assert all(f'value="{text}"' in form_class(instance=row)[name].input for name, text in shown.items())
    for sent, expected in ((shown, moment), (shown | {"moment": "2026-01-31T14:30:06"}, moment.replace(second=6))):
        form = form_class(data=sent, instance=row)
        assert form.is_valid()
        form.save()
        session.expire_all()
        assert row.hour == moment.time()
        assert row.moment == (expected if sent is shown else expected.replace(microsecond=0))


def test_a_file_that_may_be_absent_can_be_removed(session: Session, upload: Callable[..., UploadedFile]) -> None:
    form_class = modelform_factory(Everything, ["content", "cover"])
    row = Everything(**EXPECTED)
    session.add(row)
    session.commit()
    assert "Currently: a file" in form_class(instance=row)["cover"].input
    assert "cover-clear" not in form_class()["cover"].input
    assert "clear" not in form_class(instance=row)["content"].input
    form = form_class(data={"cover-clear": "on", "content-clear": "on"}, files={}, instance=row)
    assert form.is_valid()
    form.save(session)
    session.expire_all()
    assert (row.content, row.cover) == (b"content", None)


# Check constraints


class Offer(Base):
    __tablename__ = "offers"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    price: Mapped[Decimal] = mapped_column(sa.Numeric(8, 2))
    starts: Mapped[date | None]
    ends: Mapped[date | None]
    stock: Mapped[int] = mapped_column(default=5)
    __table_args__ = (
        sa.CheckConstraint("price >= 0", name="secret_price_rule", info={"message": "No negative prices."}),
        sa.CheckConstraint("kind IN ('stock', 'price%s', 'it''s')"),
        sa.CheckConstraint('"ends" > offers.starts'),
        sa.CheckConstraint("stock + length(kind) < 100"),
        sa.CheckConstraint("no_such_function(price) = 1", name="unknown").ddl_if(dialect="oracle"),
    )


OfferForm = modelform_factory(Offer)
GOOD = {"kind": "stock", "price": "1.50", "starts": "2026-01-01", "ends": "2026-01-02", "stock": "3"}


def errors(session: Session, **values: str) -> dict[str, list[str]]:
    form = OfferForm(data=GOOD | values, db_session=session)
    assert all(error.code == "check" for found in form.errors.values() for error in found)
    return {name: [error.message for error in found] for name, found in form.errors.items()}


def test_a_broken_check_is_an_error_of_its_field(session: Session) -> None:
    session.execute(sa.text("SELECT 1"))
    rule = next(rule for rule in Offer.__table__.constraints if rule.name == "unknown")
    Offer.__table__.constraints.discard(rule)
    try:
        assert errors(session) == {}
        assert errors(session, price="-1") == {"price": ["No negative prices."]}
        assert errors(session, kind="gold") == {"kind": ["This value is not acceptable."]}
        assert errors(session, kind="it's") == {}
    finally:
        Offer.__table__.constraints.add(rule)


def test_a_check_that_can_not_be_evaluated_is_left_to_the_database(session: Session) -> None:
    assert errors(session, price="-1") == {}


class Ticket(Base):
    __tablename__ = "tickets"
    id: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(sa.Enum("open", "done", native_enum=False, create_constraint=True, name="state"))
    urgent: Mapped[bool] = mapped_column(sa.Boolean(create_constraint=True, name="urgent"))
    due: Mapped[datetime | None] = mapped_column(sa.DateTime)
    __table_args__ = (sa.CheckConstraint("due > '2026-01-01 state'"),)


def test_the_checks_of_types_are_kept_by_their_fields(session: Session) -> None:
    form = modelform_factory(Ticket)(data={"state": "done", "due": "2026-01-31T14:30"}, db_session=session)
    assert form.is_valid(), form.errors
    form.save()
    form = modelform_factory(Ticket)(data={"state": "done", "due": "2025-01-31T14:30"}, db_session=session)
    assert list(form.errors) == ["due"]


class Period(Base):
    __tablename__ = "periods"
    id: Mapped[int] = mapped_column(primary_key=True)
    starts: Mapped[date | None]
    ends: Mapped[date | None]
    note: Mapped[str | None] = mapped_column(sa.String(9))


Period.__table__.append_constraint(sa.CheckConstraint(Period.__table__.c.ends > Period.__table__.c.starts))


def test_a_check_over_several_columns_is_an_error_of_the_form(session: Session) -> None:
    form = modelform_factory(Period)(data={"starts": "2026-01-02", "ends": "2026-01-01"}, db_session=session)
    assert [str(error) for error in form.non_field_errors] == ["These values do not go together: Starts, Ends."]
    assert modelform_factory(Period)(data={"starts": "2026-01-02"}, db_session=session).is_valid()


def test_the_part_of_a_check_that_the_form_does_not_have_comes_from_the_row(session: Session) -> None:
    row = Period(starts=date(2026, 1, 5), ends=date(2026, 1, 6))
    session.add(row)
    session.commit()
    form = modelform_factory(Period, ["ends"])(data={"ends": "2026-01-01"}, instance=row)
    assert list(form.errors) == ["ends"]
    # And nothing is asked where nothing of the constraint is sent.
    assert modelform_factory(Period, ["note"])(data={"note": "x"}, instance=row).is_valid()


# Dataclasses


class DataBase(MappedAsDataclass, DeclarativeBase):
    pass


class Box(DataBase):
    __tablename__ = "boxes"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    name: Mapped[str]
    size: Mapped[int]
    things: Mapped[list["Thing"]] = relationship(back_populates="box")
    color: Mapped[str] = mapped_column(default="red")


class Thing(DataBase):
    __tablename__ = "things"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    box_id: Mapped[int] = mapped_column(sa.ForeignKey("boxes.id"), init=False)
    box: Mapped[Box] = relationship(back_populates="things")


def test_a_model_that_is_a_dataclass_is_made_from_what_was_sent(session: Session) -> None:
    DataBase.metadata.create_all(session.get_bind())
    form = modelform_factory(Box)(data={"name": "a", "size": "3"}, db_session=session)
    assert form.is_valid(), form.errors
    box = form.save()
    session.expire_all()
    assert (box.name, box.size, box.color, box.things) == ("a", 3, "red", [])


def test_moments_with_a_time_zone_are_in_utc() -> None:
    found = field_for_type(sa.DateTime(timezone=True))
    assert found is not None
    assert found[1] == {"timezone": UTC}
