"""Model forms on the databases themselves: types of one database, constraints, and values that it would refuse."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from lback.forms.models import ModelForm, modelform_factory
from lback.forms.models_inlines import inlineformset_factory

from .databases import SERVERS, server_database


@pytest.fixture(scope="module", params=["sqlite", *SERVERS])
def engine(request: pytest.FixtureRequest) -> Iterator[sa.Engine]:
    """An empty database of each kind; a server's is dropped at the end."""
    if request.param == "sqlite":
        engine = sa.create_engine("sqlite://")
        yield engine
        engine.dispose()
        return
    with server_database(request.param) as url:
        engine = sa.create_engine(url)
        yield engine
        engine.dispose()


class Base(DeclarativeBase):
    pass


class Offer(Base):
    __tablename__ = "offers"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(20), unique=True)
    price: Mapped[Decimal] = mapped_column(sa.Numeric(8, 2))
    old_price: Mapped[Decimal | None] = mapped_column(sa.Numeric(8, 2))
    small: Mapped[int | None] = mapped_column(sa.SmallInteger)
    real: Mapped[float | None] = mapped_column(sa.REAL)
    length: Mapped[timedelta | None]
    document: Mapped[Any] = mapped_column(sa.JSON, nullable=True)
    __table_args__ = (
        sa.CheckConstraint("price > 0 AND price < old_price", name="cheaper"),
        sa.CheckConstraint("kind <> 'a:b%'", name="kinds"),
        sa.CheckConstraint("length(kind) > 1", name="longer", info={"message": "At least two characters."}),
    )


class Part(Base):
    __tablename__ = "parts"
    id: Mapped[int] = mapped_column(primary_key=True)
    offer_id: Mapped[int] = mapped_column(sa.ForeignKey("offers.id"))
    name: Mapped[str] = mapped_column(sa.String(20))
    __table_args__ = (sa.UniqueConstraint("offer_id", "name"),)


OfferForm = modelform_factory(Offer)
GOOD = {"kind": "tea", "price": "1.50", "old_price": "2"}


@pytest.fixture
def session(engine: sa.Engine) -> Iterator[Session]:
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        yield session
    Base.metadata.drop_all(engine)


def errors(form: ModelForm) -> dict[str, list[str | None]]:
    return {name: [error.code for error in found] for name, found in form.errors.items()}


def test_what_was_entered_is_what_is_read_back(session: Session) -> None:
    sent = GOOD | {"small": "-32768", "real": "1.5", "length": "1 02:00:00", "document": '{"ä": [1, null]}'}
    form = OfferForm(data=sent, db_session=session)
    assert form.is_valid(), form.errors
    row = form.save()
    session.expire_all()
    assert (row.price, row.small, row.real) == (Decimal("1.50"), -32768, 1.5)
    assert (row.length, row.document) == (timedelta(days=1, hours=2), {"ä": [1, None]})


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, {}),
        ({"old_price": ""}, {}),  # null keeps every check
        ({"price": "3"}, {"__all__": ["check"]}),
        ({"kind": "a:b%"}, {"kind": ["check"]}),
        ({"kind": "x"}, {"kind": ["check"]}),
        ({"small": "32768"}, {"small": ["out_of_range"]}),
        ({"real": "1e39"}, {"real": ["out_of_range"]}),
        ({"price": "1e60"}, {"price": ["max_digits"]}),
        ({"price": "1.234"}, {"price": ["decimal_places"]}),
        ({"kind": "a\0b"}, {"kind": ["control"]}),
        ({"document": '"\\u0000"'}, {"document": ["invalid"]}),
    ],
    ids=str,
)
def test_what_the_database_would_refuse_is_an_error_beforehand(
    session: Session, values: dict[str, str], expected: dict[str, list[str]]
) -> None:
    form = OfferForm(data=GOOD | values, db_session=session)
    assert errors(form) == expected
    # And what is valid is taken indeed.
    if not expected:
        form.save()


def test_asking_about_a_check_leaves_the_transaction_as_it_was(session: Session) -> None:
    session.add(Offer(kind="first", price=Decimal(1)))
    session.flush()
    assert errors(OfferForm(data=GOOD | {"price": "3"}, db_session=session)) == {"__all__": ["check"]}
    session.commit()
    assert session.scalars(sa.select(Offer.kind)).all() == ["first"]


def test_the_rows_of_a_row_are_changed_together_with_it(session: Session) -> None:
    offer = Offer(kind="tea", price=Decimal(1))
    session.add(offer)
    session.flush()
    session.add_all([Part(offer_id=offer.id, name="cup"), Part(offer_id=offer.id, name="spoon")])
    session.commit()
    made = inlineformset_factory(Offer, Part, can_delete=True)
    keys = [str(key) for key in session.scalars(sa.select(Part.id).order_by(Part.id))]
    data = {"part-TOTAL_FORMS": "2", "part-0-KEY": keys[0], "part-0-name": "cup", "part-0-DELETE": "on"}
    formset = made(data=data | {"part-1-name": "cup"}, instance=offer)
    assert formset.is_valid(), formset.errors
    formset.save()
    assert sorted(session.scalars(sa.select(Part.name))) == ["cup", "spoon"]
    assert made(data=data, instance=offer).non_form_errors[0].code == "unknown_row"


def columns(kinds: dict[str, Any]) -> Any:
    """Return a model with columns of these types."""
    base = type("OwnBase", (DeclarativeBase,), {})
    body = {"__tablename__": "own", "id": sa.Column(sa.Integer, primary_key=True)}
    return type("Own", (base,), body | {name: sa.Column(kind) for name, kind in kinds.items()})


POSTGRESQL = {
    "inet": (postgresql.INET(), "192.0.2.1", "x"),
    "cidr": (postgresql.CIDR(), "192.0.2.0/24", "192.0.2.0"),
    "mac": (postgresql.MACADDR(), "08:00:2b:01:02:03", "08"),
    "numbers": (postgresql.ARRAY(sa.Integer), "1\n2", "1\n9999999999"),
    "words": (postgresql.ARRAY(sa.String(3)), "a\nb", "abcd"),
    "document": (postgresql.JSONB(), '{"a": 1}', "{"),
    "length": (postgresql.INTERVAL(), "1 02:00:00", "x"),
    "code": (postgresql.UUID(), "6f1c7a52-0000-4000-8000-000000000001", "6f"),
}
MYSQL = {
    "tiny": (mysql.TINYINT(unsigned=True), "255", "256"),
    "medium": (mysql.MEDIUMINT(), "8388607", "8388608"),
    "big": (mysql.BIGINT(), str(2**63 - 1), str(2**63)),
    "year": (mysql.YEAR(), "2155", "2156"),
    "text": (mysql.MEDIUMTEXT(), "ä", "\0"),
    "kind": (mysql.ENUM("a", "b"), "a", "c"),
}


def test_the_types_of_one_database_are_saved_and_shown_alike(engine: sa.Engine) -> None:
    known = {"postgresql": POSTGRESQL, "mysql": MYSQL}.get(engine.dialect.name)
    if known is None:
        pytest.skip("SQLite has no types of its own")
    model = columns({name: kind for name, (kind, _, _) in known.items()})
    model.metadata.create_all(engine)
    form_class = modelform_factory(model)
    with Session(engine) as session:
        assert set(form_class(data={name: bad for name, (_, _, bad) in known.items()}).errors) == set(known)
        form = form_class(data={name: good for name, (_, good, _) in known.items()}, db_session=session)
        assert form.is_valid(), form.errors
        row = form.save()
        session.expire_all()
        shown = {field.name: field.value for field in form_class(instance=row)}
        again = form_class(data={name: str(value) for name, value in shown.items()}, instance=row)
        assert again.is_valid(), again.errors
        assert again.changed_data == []
        session.rollback()
    model.metadata.drop_all(engine)
