"""A site with an admin, on a database of its own for each test."""

import enum
from datetime import datetime
from decimal import Decimal
from types import SimpleNamespace
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Enum, ForeignKey, Integer, LargeBinary, Numeric, String, Text, event
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lback.admin.model_admin import ModelAdmin
from lback.admin.registry import admin
from lback.auth import passwords
from lback.auth.models import Group, User, UserPermission
from lback.core.testing import Client, make_app
from lback.core.urls_utils import include
from lback.models.base import BaseModel
from lback.models.database import DatabaseManager

PASSWORD = "correct horse battery"


class Level(enum.Enum):
    BEGINNER = "for beginners"
    EXPERT = "for experts"


class Category(BaseModel):
    __tablename__ = "categories"
    name: Mapped[str] = mapped_column(String(80))

    def __str__(self):
        return self.name


class Course(BaseModel):
    __tablename__ = "courses"
    name: Mapped[str] = mapped_column(String(200))
    description: Mapped[str | None] = mapped_column(Text)
    price: Mapped[Decimal | None] = mapped_column(Numeric(8, 2))
    published: Mapped[bool] = mapped_column(default=False)
    level: Mapped[Level | None] = mapped_column(Enum(Level))
    category_id: Mapped[int | None] = mapped_column(ForeignKey("categories.id"))
    slug: Mapped[str | None] = mapped_column(String(80), unique=True)
    api_token: Mapped[str | None] = mapped_column(String(80))
    category: Mapped[Category | None] = relationship()

    def length(self):
        return len(self.name)

    def __str__(self):
        return self.name


class Lesson(BaseModel):
    __tablename__ = "lessons"
    minutes: Mapped[int] = mapped_column(Integer)
    course_id: Mapped[int] = mapped_column(ForeignKey("courses.id"))
    course: Mapped[Course] = relationship(backref="lessons")


class Voucher(BaseModel):
    __tablename__ = "vouchers"
    id = None
    code: Mapped[str] = mapped_column(String(40), primary_key=True)


class Seat(BaseModel):
    __tablename__ = "seats"
    id = None
    row: Mapped[str] = mapped_column(String(10), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    taken_at: Mapped[datetime | None]
    plan: Mapped[bytes | None] = mapped_column(LargeBinary)


class Device(BaseModel):
    __tablename__ = "devices"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)


class CourseAdmin(ModelAdmin):
    list_display = ("name", "category", "price", "published")
    list_filter = ("published", "level")


admin.register(Category)
admin.register(Course, CourseAdmin)
for model in (Lesson, Voucher, Seat, Device):
    admin.register(model)


@pytest.fixture(scope="session")
def models():
    return SimpleNamespace(
        Category=Category,
        Course=Course,
        Lesson=Lesson,
        Voucher=Voucher,
        Seat=Seat,
        Device=Device,
        Level=Level,
        User=User,
        Group=Group,
        UserPermission=UserPermission,
        Base=BaseModel,
        key_column=lambda: mapped_column(Integer, primary_key=True),
    )


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch):
    """Hash with few rounds, or the tests would do little else."""
    monkeypatch.setattr(passwords, "ROUNDS", 4)


@pytest.fixture
def app(tmp_path):
    app = make_app(
        [include("lback.admin.urls", prefix="/admin/")],
        BASE_DIR=tmp_path,
        INSTALLED_APPS=["admin"],
        DATABASE_URL=f"sqlite:///{tmp_path / 'test.sqlite'}",
        MIDDLEWARES=[
            "lback.middlewares.static_files.StaticFilesMiddleware",
            "lback.models.middleware.SQLAlchemySessionMiddleware",
            "lback.middlewares.session.SessionMiddleware",
            "lback.auth.middleware.AuthMiddleware",
            "lback.middlewares.csrf.CSRFMiddleware",
            "lback.middlewares.security_headers.SecurityHeadersMiddleware",
        ],
    )
    database = app.container.get(DatabaseManager)
    BaseModel.metadata.create_all(database.engine)
    yield app
    database.dispose()


@pytest.fixture
def transaction(app):
    """Begin a transaction, as `with transaction() as db`."""
    return app.container.get(DatabaseManager).transaction


@pytest.fixture
def add(transaction):
    """Write rows down and return the key of the last one."""

    def write(*rows):
        with transaction() as db:
            db.add_all(rows)
            db.flush()
            return getattr(rows[-1], "id", None)

    return write


@pytest.fixture
def make_user(transaction):
    """Make a user, with permissions through a group of their own."""

    def make(username, *permissions, groups=(), **flags):
        with transaction() as db:
            user = User(username=username, **{"is_staff": True, **flags})
            user.set_password(PASSWORD)
            names = [
                db.query(UserPermission).filter_by(name=name).one_or_none() or UserPermission(name=name)
                for name in permissions
            ]
            if names:
                user.groups.append(Group(name=f"rights of {username}", permissions=names))
            user.groups.extend(
                db.query(Group).filter_by(name=name).one_or_none() or Group(name=name) for name in groups
            )
            db.add(user)
            db.flush()
            return user.id

    return make


@pytest.fixture
def log_in(app, make_user):
    """Return a client that a user with the given permissions has logged in with."""

    def enter(*permissions, username="editor", **flags):
        make_user(username, *permissions, **flags)
        client = Client(app)
        response = client.csrf_post("/admin/login/", {"username": username, "password": PASSWORD})
        assert response.status_code == 303, response.text
        return client

    return enter


@pytest.fixture
def root(log_in):
    """A client of a superuser."""
    return log_in(username="root", is_superuser=True)


@pytest.fixture
def statements(app):
    """The SQL statements that were sent to the database, as they come."""
    sent = []
    engine = app.container.get(DatabaseManager).engine
    event.listen(engine, "before_cursor_execute", lambda *args: sent.append(args[2]))
    return sent


@pytest.fixture(autouse=True)
def no_open_databases(closed_databases: None) -> None:
    """Close what a test opened."""
