"""One row or a 404, pages of many rows, and many rows at once."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import BigInteger, MetaData, SmallInteger, String, func, select
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import Mapped, Session, mapped_column
from sqlalchemy.orm.exc import StaleDataError

from lback.core.exceptions import BadRequest, LbackError, NotFound
from lback.models.base import BaseModel
from lback.models.bulk import bulk_insert, upsert
from lback.models.database import DatabaseManager
from lback.models.mixins import VersionMixin
from lback.models.pagination import Page, paginate_keyset, paginate_query
from lback.models.queries import get_or_404, one_or_404, stream
from lback.models.testing import assert_queries


class Local(BaseModel):
    __abstract__ = True
    metadata = MetaData()


class Course(Local):
    __tablename__ = "queries_courses"
    code: Mapped[str] = mapped_column(String(20), unique=True)
    name: Mapped[str] = mapped_column(String(50), default="unnamed")
    begins: Mapped[date] = mapped_column(default=date(2026, 1, 1))
    public_id: Mapped[UUID] = mapped_column(default=uuid4)


class Seat(Local):
    __tablename__ = "queries_seats"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    line: Mapped[str] = mapped_column(String(5), primary_key=True)
    number: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    sold: Mapped[int] = mapped_column(BigInteger, primary_key=True)


class Stock(VersionMixin, Local):
    """Columns that are called otherwise than their attributes, and one that the database renews."""

    __tablename__ = "queries_stock"
    code: Mapped[str] = mapped_column("article", String(20), unique=True)
    amount: Mapped[int] = mapped_column("pieces")
    state: Mapped[str] = mapped_column(String(20), default="new", onupdate=func.lower("COUNTED"))


ROWS = [
    {"code": f"c{number:02}", "name": f"Course {number}", "begins": date(2026, 1, 1 + number % 3)}
    for number in range(25)
]


@pytest.fixture
def session(database: DatabaseManager) -> Iterator[Session]:
    """A session on a table with 25 rows."""
    Local.metadata.drop_all(database.engine)
    Local.metadata.create_all(database.engine)
    with database.session() as session:
        bulk_insert(session, Course, ROWS)
        session.commit()
        yield session


# -- one row ----------------------------------------------------------------------------------------------------------


def test_a_row_is_found_by_its_key_or_is_a_404(session: Session) -> None:
    assert get_or_404(session, Course, 1).code == "c00"
    with pytest.raises(NotFound, match=r"There is no course with that number\."):
        get_or_404(session, Course, 99, "There is no course with that number.")


@pytest.mark.parametrize("key", ["1", "01", 1, (1,)])
def test_a_key_may_be_text_as_an_address_has_it(session: Session, key: Any) -> None:
    assert get_or_404(session, Course, key).code == "c00"


@pytest.mark.parametrize("key", ["abc", "1abc", "", "1 ", "٣", 2**31, -(2**40), 2**63, 10**30, "9" * 5000, None])
def test_a_key_that_no_row_can_have_is_a_404_and_no_error_of_the_database(session: Session, key: Any) -> None:
    with pytest.raises(NotFound):
        get_or_404(session, Course, key)
    assert get_or_404(session, Course, 1).code == "c00"


def test_every_part_of_a_key_of_several_columns_is_looked_at(session: Session) -> None:
    seat = Seat(id=uuid4(), line="A", number=2**15 - 1, sold=2**40)
    session.add(seat)
    session.flush()
    key = (str(seat.id), "A", str(2**15 - 1), 2**40)
    assert get_or_404(session, Seat, key) is seat
    for other in ((*key[:3], 2**63), (*key[:2], 2**16, key[3]), (key[0], "A\0", *key[2:]), ("A", *key[1:])):
        with pytest.raises(NotFound):
            get_or_404(session, Seat, other)


@pytest.mark.parametrize("key", [(), (1, 2)])
def test_a_key_of_too_few_or_too_many_columns_is_a_mistake_of_the_project(session: Session, key: Any) -> None:
    with pytest.raises(InvalidRequestError, match="Incorrect number of values"):
        get_or_404(session, Course, key)


def test_a_row_is_found_by_a_statement_or_is_a_404(session: Session) -> None:
    assert one_or_404(session, select(Course).where(Course.code == "c03")).name == "Course 3"
    with pytest.raises(NotFound):
        one_or_404(session, select(Course).where(Course.code == "nothing"))


def test_all_rows_pass_by_and_few_are_held(session: Session) -> None:
    codes = []
    for course in stream(session, select(Course).order_by(Course.id), batch=5):
        codes.append(course.code)
        # Those of a batch, and the one that was looked at before it.
        assert len(session.identity_map) <= 6
    assert codes == [row["code"] for row in ROWS]


def test_what_is_changed_while_rows_pass_by_is_written(session: Session) -> None:
    known = get_or_404(session, Course, 1)
    for course in stream(session, select(Course), batch=5):
        course.name = f"New {course.id}"
    session.commit()
    assert known in session
    assert set(session.scalars(select(Course.name))) == {f"New {number}" for number in range(1, 26)}


def test_something_else_may_be_asked_while_rows_pass_by(session: Session) -> None:
    """PyMySQL's own streaming would lose the rows that are left."""
    rows = [session.scalar(select(func.count(Course.id))) for _ in stream(session, select(Course), batch=5)]
    assert rows == [25] * 25


def test_single_columns_pass_by_too(session: Session) -> None:
    codes = stream(session, select(Course.code).order_by(Course.id), batch=5)
    assert list(codes) == [row["code"] for row in ROWS]


# -- pages ------------------------------------------------------------------------------------------------------------

IN_ORDER = select(Course).order_by(Course.id)


def test_a_page_knows_its_neighbours_and_takes_two_queries(session: Session) -> None:
    with assert_queries(2):
        page = paginate_query(session, IN_ORDER, 2, 10)
    assert [course.code for course in page.objects] == [row["code"] for row in ROWS[10:20]]
    assert (page.total_objects, page.total_pages, page.current_page, page.per_page) == (25, 3, 2, 10)
    assert (page.has_prev, page.prev_num, page.has_next, page.next_num) == (True, 1, True, 3)


def test_a_page_of_a_query_of_the_older_kind_is_the_same(session: Session) -> None:
    page = paginate_query(session, session.query(Course).order_by(Course.id), 2, 10)
    assert (page.objects, page.total_pages) == (paginate_query(session, IN_ORDER, 2, 10).objects, 3)


@pytest.mark.parametrize(
    ("asked", "number"),
    [
        ("1", 1),
        ("3", 3),
        ("4", 3),
        (0, 1),
        (-1, 1),
        ("abc", 1),
        ("", 1),
        (None, 1),
        ("٣", 1),
        ("1_0", 1),
        ("9" * 5000, 1),
    ],
)
def test_a_page_that_is_not_there_is_the_nearest_or_the_first(session: Session, asked: Any, number: int) -> None:
    assert paginate_query(session, IN_ORDER, asked, 10).current_page == number


def test_nobody_gets_more_than_the_most(session: Session) -> None:
    assert len(paginate_query(session, IN_ORDER, 1, "1000", max_per_page=7).objects) == 7


def test_no_rows_are_one_empty_page(session: Session) -> None:
    page = paginate_query(session, IN_ORDER.where(Course.code == "nothing"))
    assert (list(page.objects), page.total_pages, page.has_next, page.prev_num) == ([], 1, False, None)


def test_the_numbers_to_link_to_leave_the_far_ones_out() -> None:
    page = Page([], 200, 10, 10)
    assert list(page.iter_pages()) == [1, None, 8, 9, 10, 11, 12, None, 20]
    assert list(page.iter_pages(around=7)) == [1, 2, *range(3, 18), None, 20]
    assert list(Page([], 30, 1, 10).iter_pages()) == [1, 2, 3]
    assert list(Page([], 10**9, 1, 1).iter_pages()) == [1, 2, 3, None, 10**9]


def test_a_page_knows_the_places_of_its_rows() -> None:
    places = [(page.first, page.last) for page in (Page([], 25, 1, 10), Page([], 25, 3, 10), Page([], 0, 1, 10))]
    assert places == [(1, 10), (21, 25), (0, 0)]


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize(
    "keys", [(Course.id,), (Course.begins, Course.id), (Course.created_at, Course.code), (Course.public_id,)]
)
def test_pages_by_the_last_row_give_every_row_once(session: Session, keys: Any, descending: bool) -> None:
    order = [key.desc() if descending else key.asc() for key in keys]
    expected = list(session.scalars(select(Course.code).order_by(*order)))
    codes: list[str] = []
    cursor: str | None = None
    for _ in range(10):
        with assert_queries(1):
            page = paginate_keyset(session, select(Course), *keys, after=cursor, per_page=4, descending=descending)
        codes += [course.code for course in page.objects]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert codes == expected


def test_a_row_that_comes_meanwhile_shifts_no_other(session: Session) -> None:
    first = paginate_keyset(session, select(Course), Course.code, per_page=5)
    session.add(Course(code="a-new-first"))
    session.flush()
    second = paginate_keyset(session, select(Course), Course.code, per_page=5, after=first.next_cursor)
    assert [course.code for course in second.objects] == [f"c{number:02}" for number in range(5, 10)]


@pytest.mark.parametrize(
    "cursor", ["", "x", "é", "W10", "WyJ4Il0", "bnVsbA", "W251bGxd", "WzFlOTk5XQ", "W3RydWVd", "A" * 5000]
)
def test_a_cursor_that_is_none_of_the_list_is_a_400(session: Session, cursor: str) -> None:
    with pytest.raises(BadRequest, match="Begin with the first page"):
        paginate_keyset(session, select(Course), Course.id, after=cursor)


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.dates().map(str), st.uuids().map(str)
)
# What JSON can write and no column of text takes.
VALUES |= st.sampled_from(["\0", "\ud800", 2**31, 2**63, "9" * 40])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100, deadline=None)
@given(st.text(max_size=40) | st.lists(VALUES, max_size=3).map(lambda values: encoded(values)))
def test_no_cursor_is_an_error_of_the_database(session: Session, cursor: str) -> None:
    for keys in ((Course.id,), (Course.code,), (Course.created_at,), (Course.begins, Course.code), (Course.public_id,)):
        try:
            paginate_keyset(session, select(Course), *keys, after=cursor)
        except BadRequest:
            continue


def encoded(values: list[Any]) -> str:
    return urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


@pytest.mark.parametrize("text", ["\0", "\ud800", "a\udfff"])
def test_text_that_no_column_takes_is_no_cursor(session: Session, text: str) -> None:
    with pytest.raises(BadRequest):
        paginate_keyset(session, select(Course), Course.code, after=encoded([text]))


def test_a_number_beyond_those_of_the_column_ends_the_list(session: Session) -> None:
    assert not paginate_keyset(session, select(Course), Course.id, after=encoded([2**40])).objects


# -- many rows --------------------------------------------------------------------------------------------------------


def test_rows_are_inserted_in_few_statements_with_their_defaults(session: Session) -> None:
    with assert_queries(3):
        assert bulk_insert(session, Course, ({"code": f"n{number}"} for number in range(25)), batch=10) == 25
    assert session.scalar(select(func.count()).where(Course.name == "unnamed")) == 25
    assert bulk_insert(session, Course, []) == 0


def test_known_rows_are_updated_and_new_ones_inserted(session: Session) -> None:
    before = session.scalars(select(Course).where(Course.code == "c01")).one().updated_at
    with assert_queries(1):
        upsert(session, Course, [{"code": "c01", "name": "Changed"}, {"code": "new", "name": "New"}], key=["code"])
    session.expire_all()
    changed = session.scalars(select(Course).where(Course.code == "c01")).one()
    assert (changed.name, changed.begins, changed.updated_at >= before) == ("Changed", date(2026, 1, 2), True)
    assert session.scalar(select(func.count(Course.id))) == 26


def test_only_what_is_named_is_taken_over(session: Session) -> None:
    row = {"code": "c01", "name": "Changed", "begins": date(2027, 1, 1)}
    upsert(session, Course, [row], key=["code"], update=["begins"])
    session.expire_all()
    course = session.scalars(select(Course).where(Course.code == "c01")).one()
    assert (course.name, course.begins) == ("Course 1", date(2027, 1, 1))


def test_known_rows_may_stay_as_they_are(session: Session) -> None:
    upsert(
        session,
        Course,
        [{"code": "c01", "name": "Changed"}, {"code": "new"} | {"name": "New"}],
        key=["code"],
        update=[],
    )
    session.expire_all()
    assert session.scalars(select(Course.name).where(Course.code == "c01")).one() == "Course 1"
    assert session.scalar(select(func.count(Course.id))) == 26


def test_rows_are_written_by_attribute_whatever_the_columns_are_called(session: Session) -> None:
    upsert(session, Stock, [{"code": "tea", "amount": 5}], key=["code"])
    upsert(session, Stock, [{"code": "tea", "amount": 7}, {"code": "milk", "amount": 1}], key=["code"])
    stock = {item.code: (item.amount, item.state) for item in session.scalars(select(Stock))}
    assert stock == {"tea": (7, "counted"), "milk": (1, "new")}


def test_a_writer_who_read_before_an_upsert_is_late(session: Session) -> None:
    upsert(session, Stock, [{"code": "tea", "amount": 5}], key=["code"])
    tea = session.scalars(select(Stock)).one()
    assert tea.version == 1
    upsert(session, Stock, [{"code": "tea", "amount": 7}], key=["code"])
    tea.amount = 6
    with pytest.raises(StaleDataError):
        session.flush()


@pytest.mark.parametrize("wrong", [{"key": ["article"]}, {"key": ["code"], "update": ["colour"]}])
def test_an_attribute_that_is_not_there_is_named_with_those_that_are(session: Session, wrong: Any) -> None:
    with pytest.raises(LbackError, match=r"Stock has no column '(article|colour)'; expected one of id, code, amount"):
        upsert(session, Stock, [{"code": "tea", "amount": 5}], **wrong)


# -- counting queries -------------------------------------------------------------------------------------------------


def test_too_many_or_too_few_queries_fail_with_what_was_sent(session: Session) -> None:
    def sends(sent: int, expected: int) -> None:
        with assert_queries(expected):
            for _ in range(sent):
                session.scalars(select(Course.id)).all()

    sends(2, 2)
    with pytest.raises(AssertionError, match=r"1 statement was expected, 2 statements were sent\.\n1\. SELECT"):
        sends(2, 1)
    with pytest.raises(AssertionError, match=r"2 statements were expected, 0 statements were sent\."):
        sends(0, 2)


def test_an_error_inside_is_told_and_not_the_count(session: Session) -> None:
    with pytest.raises(ZeroDivisionError), assert_queries(5):
        1 / 0  # noqa: B018
