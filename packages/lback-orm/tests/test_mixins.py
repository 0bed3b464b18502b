"""Columns to mix in, and slugs."""

import uuid
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import MetaData, String
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.orm.exc import StaleDataError

from lback.models.database import DatabaseManager
from lback.models.mixins import SlugMixin, TimestampMixin, UUIDMixin, VersionMixin, make_slug


class Local(DeclarativeBase):
    metadata = MetaData()


class Article(UUIDMixin, SlugMixin, TimestampMixin, VersionMixin, Local):
    __tablename__ = "mixins_articles"
    title: Mapped[str] = mapped_column(String(100))


@pytest.fixture
def articles(database: DatabaseManager) -> DatabaseManager:
    Local.metadata.drop_all(database.engine)
    Local.metadata.create_all(database.engine)
    return database


def test_a_model_gets_its_key_times_and_version_from_what_is_mixed_in(articles: DatabaseManager) -> None:
    with articles.transaction() as session:
        session.add(Article(title="Tea", slug="tea"))
    with articles.session() as session:
        article = session.query(Article).one()
    assert (type(article.id), article.version, article.created_at.tzinfo) == (uuid.UUID, 1, UTC)


def test_of_two_writers_who_read_the_same_the_later_changes_nothing(articles: DatabaseManager) -> None:
    with articles.transaction() as session:
        session.add(Article(title="Tea", slug="tea"))
    with articles.session() as late:
        read_before = late.query(Article).one()
        late.commit()
        with articles.transaction() as session:
            session.query(Article).one().title = "Green tea"
        read_before.title = "Black tea"
        with pytest.raises(StaleDataError):
            late.commit()
    with articles.session() as session:
        article = session.query(Article).one()
    assert (article.title, article.version) == ("Green tea", 2)


def test_a_slug_is_given_once(articles: DatabaseManager) -> None:
    with pytest.raises(IntegrityError), articles.transaction() as session:
        session.add_all([Article(title="Tea", slug="tea"), Article(title="Other", slug="tea")])


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("Green Tea", "green-tea"),
        ("  Grüner Tee, 2. Ernte!  ", "gruner-tee-2-ernte"),
        ("snake_case -- and_more", "snake-case-and-more"),
        ("!!!", ""),
        ("茶", ""),
    ],
)
def test_a_slug_is_made_of_plain_letters_and_digits(text: str, slug: str) -> None:
    assert make_slug(text) == slug


def test_letters_of_other_scripts_may_stay() -> None:
    assert make_slug("شاي Чай", unicode=True) == "شاي-чай"


@given(st.text(), st.booleans())
def test_any_text_gives_a_slug_that_stays_as_it_is(text: str, unicode: bool) -> None:
    slug = make_slug(text, unicode=unicode)
    assert len(slug) <= 200
    assert "--" not in slug
    assert slug == slug.strip("-")
    assert make_slug(slug, unicode=unicode) == slug
