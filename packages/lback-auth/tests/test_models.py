"""Users, groups and what a user may do."""

import pytest
from sqlalchemy import inspect, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import ObjectDereferencedError

from lback.auth.models import Group, User, UserPermission
from lback.core.exceptions import ValidationError


@pytest.fixture
def db(database):
    with database.transaction() as db:
        yield db


def test_the_tables_are_those_of_the_contract(database):
    names = set(inspect(database.engine).get_table_names())
    assert {
        "users",
        "groups",
        "userpermissions",
        "user_groups_association",
        "group_permissions_association",
    } <= names


class TestPassword:
    def test_only_its_hash_is_kept(self, db):
        user = User(username="amira")
        user.set_password("a fine password")
        assert user.check_password("a fine password")
        assert not user.check_password("another one")
        assert "fine" not in user.password_hash

    def test_a_user_without_one_is_let_in_by_nothing(self):
        user = User(username="amira")
        assert not user.check_password("")
        assert not user.check_password("anything")

    def test_it_can_not_be_set_in_the_clear_by_mistake(self):
        with pytest.raises(TypeError):
            User(username="amira", password="in the clear")

    def test_neither_repr_nor_to_dict_shows_the_hash(self, db, add_user):
        user = db.get(User, add_user())
        assert user.password_hash
        shown = f"{user!r} {user} {user.to_dict()}"
        assert "bcrypt" not in shown
        assert user.password_hash[20:] not in shown
        assert user.to_dict()["username"] == "amira"

    def test_repr_works_without_the_database(self, database, add_user):
        user_id = add_user()
        session = database.session()
        user = session.get(User, user_id)
        session.expire(user)
        session.close()
        assert repr(user) == "<User '(not loaded)'>"


class TestColumns:
    def test_a_new_user_is_active_and_nothing_more(self, db, add_user):
        user = db.get(User, add_user())
        assert user.is_active
        assert not user.is_staff
        assert not user.is_superuser
        assert user.email is None
        assert user.email_verified_at is None
        assert user.last_login_at is None

    def test_an_empty_address_is_none_so_that_many_can_have_it(self, db, add_user):
        add_user("first", email="")
        add_user("second", email="")
        assert db.scalars(select(User.email)).all() == [None, None]

    @pytest.mark.parametrize("values", [{"username": "amira"}, {"username": "other", "email": "a@example.com"}])
    def test_names_and_addresses_are_unique_in_the_database_itself(self, database, add_user, values):
        add_user(email="a@example.com")
        session = database.session()
        session.add(User(**values))
        with pytest.raises(IntegrityError):
            session.flush()
        session.close()

    def test_the_rules_hold_however_a_user_is_made(self):
        with pytest.raises(ValidationError):
            User(username="x")
        with pytest.raises(ValidationError):
            User(username="amira", email="no address")


class TestPermissions:
    def test_a_user_has_the_permissions_of_all_groups(self, db, add_user):
        user = db.get(User, add_user(groups={"editors": ["blog.add_post"], "readers": ["blog.view_posts"]}))
        assert user.has_permission("blog.add_post")
        assert user.has_permission("blog.view_posts")
        assert not user.has_permission("blog.delete_post")
        assert not user.has_permission("")

    def test_a_user_without_groups_has_none(self, db, add_user):
        assert not db.get(User, add_user()).has_permission("blog.add_post")

    def test_a_group_without_permissions_gives_none(self, db, add_user):
        assert not db.get(User, add_user(groups={"empty": []})).has_permission("blog.add_post")

    def test_a_superuser_has_every_permission(self, db, add_user):
        assert db.get(User, add_user(is_superuser=True)).has_permission("whatever")

    def test_so_has_a_member_of_the_group_admin(self, db, add_user):
        assert db.get(User, add_user(groups={"admin": []})).has_permission("whatever")

    def test_staff_alone_have_none(self, db, add_user):
        assert not db.get(User, add_user(is_staff=True)).has_permission("whatever")

    @pytest.mark.parametrize("flags", [{"is_superuser": True}, {"groups": {"admin": ["blog.add_post"]}}])
    def test_a_deactivated_user_has_none(self, db, add_user, flags):
        user = db.get(User, add_user(is_active=False, **flags))
        assert not user.has_permission("blog.add_post")
        assert not user.bypasses_permissions

    def test_all_checks_of_a_request_cost_one_query(self, db, add_user, queries):
        user = db.get(User, add_user(groups={"editors": ["a.b", "c.d"], "readers": ["e.f"]}))
        queries.clear()
        for name in ("a.b", "c.d", "e.f", "g.h"):
            user.has_permission(name)
        assert len(queries) == 1

    @pytest.mark.parametrize("forget", ["expire", "refresh"])
    def test_a_permission_taken_away_is_gone_when_the_user_is_read_again(self, db, add_user, forget):
        user = db.get(User, add_user(groups={"editors": ["blog.add_post"]}))
        assert user.has_permission("blog.add_post")
        group = db.scalars(select(Group)).one()
        group.permissions = []
        db.flush()
        getattr(db, forget)(user)
        assert not user.has_permission("blog.add_post")

    def test_leaving_or_joining_a_group_counts_at_once(self, db, add_user):
        user = db.get(User, add_user(groups={"editors": ["blog.add_post"]}))
        assert user.has_permission("blog.add_post")
        group = user.groups.pop()
        assert not user.has_permission("blog.add_post")
        user.groups.append(group)
        assert user.has_permission("blog.add_post")

    def test_a_user_that_is_not_saved_has_those_of_the_groups_at_hand(self):
        group = Group(name="editors", permissions=[UserPermission(name="blog.add_post")])
        user = User(username="amira", is_active=True, groups=[group])
        assert user.has_permission("blog.add_post")
        assert not user.has_permission("blog.delete_post")


class TestDeleting:
    def test_a_deleted_user_leaves_the_groups(self, db, add_user):
        db.delete(db.get(User, add_user(groups={"editors": ["blog.add_post"]})))
        db.flush()
        assert db.scalars(select(Group)).one().users == []

    def test_a_deleted_group_takes_its_permissions_from_the_users_and_deletes_neither(self, db, add_user):
        user = db.get(User, add_user(groups={"editors": ["blog.add_post"]}))
        db.delete(db.scalars(select(Group)).one())
        db.flush()
        db.expire_all()
        assert not user.has_permission("blog.add_post")
        assert db.scalars(select(UserPermission)).one().name == "blog.add_post"


def test_groups_and_permissions_show_their_names():
    assert str(Group(name="editors")) == "editors"
    assert str(UserPermission(name="blog.add_post")) == "blog.add_post"
    assert str(User(username="amira")) == "amira"


def test_groups_of_a_user_whom_nothing_refers_to_are_an_error_that_says_so(database, add_user):
    user_id = add_user()
    with database.transaction() as db, pytest.raises(ObjectDereferencedError, match="garbage collected"):
        db.get(User, user_id).groups.append(Group(name="editors"))
