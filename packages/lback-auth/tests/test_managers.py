"""Making users and checking who they are."""

import bcrypt
import pytest

from lback.auth import passwords
from lback.auth.managers import AdminUserManager, UserManager
from lback.auth.models import User
from lback.core.exceptions import ValidationError

PASSWORD = "a fine password"
users = UserManager()


@pytest.fixture
def db(database):
    with database.transaction() as db:
        yield db


class TestAuthenticate:
    @pytest.mark.parametrize("identifier", ["amira", "amira@example.com", "Amira@EXAMPLE.com", "\uff41mira"])
    def test_by_name_or_address(self, db, add_user, identifier):
        add_user(email="amira@example.com")
        assert users.authenticate(db, identifier, PASSWORD).username == "amira"

    @pytest.mark.parametrize(
        ("identifier", "password"),
        [
            ("amira", "another password"),
            ("amira", ""),
            ("nobody", PASSWORD),
            ("", PASSWORD),
            ("", ""),
            ("amira' OR '1'='1", PASSWORD),
            ("a@b", PASSWORD),
            ("AMIRA", PASSWORD),
        ],
    )
    def test_refused(self, db, add_user, identifier, password):
        add_user()
        assert users.authenticate(db, identifier, password) is None

    def test_a_user_without_address_is_not_found_by_an_empty_one(self, db, add_user):
        add_user(email=None)
        assert users.find(db, "") is None
        assert users.find(db, " @ ") is None

    def test_a_deactivated_user_is_refused(self, db, add_user):
        add_user(is_active=False)
        assert users.authenticate(db, "amira", PASSWORD) is None

    @pytest.mark.parametrize(
        ("identifier", "password"),
        [
            ("amira", PASSWORD),
            ("amira", "another password"),
            ("nobody", PASSWORD),
            ("no@example.com", PASSWORD),
            ("locked", PASSWORD),
            ("locked", "another password"),
            ("no-password", PASSWORD),
            ("x" * 300, PASSWORD),
        ],
    )
    def test_exactly_one_hash_is_computed_whatever_the_outcome(self, database, add_user, hashes, identifier, password):
        add_user()
        add_user("locked", is_active=False)
        with database.transaction() as db:
            db.add(User(username="no-password"))
        hashes.clear()
        with database.transaction() as db:
            users.authenticate(db, identifier, password)
        assert len(hashes) == 1

    def test_a_megabyte_is_refused_without_a_hash(self, db, add_user, hashes):
        add_user()
        hashes.clear()
        assert users.authenticate(db, "amira", "x" * 1_000_000) is None
        assert hashes == []

    def test_no_transaction_is_held_while_the_hash_is_computed(self, database, add_user, monkeypatch):
        add_user()
        held = []
        session = database.session()
        real = bcrypt.checkpw
        monkeypatch.setattr(bcrypt, "checkpw", lambda *args: held.append(session.in_transaction()) or real(*args))
        assert users.authenticate(session, "amira", PASSWORD)
        assert held == [False]
        session.close()

    def test_work_of_the_caller_is_not_lost(self, database, add_user):
        add_user()
        with database.transaction() as db:
            users.create(db, "second", PASSWORD)
            assert users.authenticate(db, "amira", PASSWORD)
        with database.transaction() as db:
            assert users.find(db, "second")

    def test_a_user_deactivated_while_the_hash_is_computed_is_refused(self, database, add_user, monkeypatch):
        user_id = add_user()
        real = bcrypt.checkpw

        def meanwhile(*args):
            with database.transaction() as db:
                db.get(User, user_id).is_active = False
            return real(*args)

        monkeypatch.setattr(bcrypt, "checkpw", meanwhile)
        session = database.session()
        assert users.authenticate(session, "amira", PASSWORD) is None
        session.close()


class TestUpgrade:
    def test_a_hash_of_1_0_is_made_anew_at_the_login(self, database, add_user):
        user_id = add_user()
        with database.transaction() as db:
            db.get(User, user_id).password_hash = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
        with database.transaction() as db:
            assert users.authenticate(db, "amira", PASSWORD)
        with database.transaction() as db:
            assert db.get(User, user_id).password_hash.startswith("bcrypt-hmac-sha256$2b$")
            assert users.authenticate(db, "amira", PASSWORD)

    def test_so_is_a_cheaper_one(self, db, add_user, monkeypatch):
        user = db.get(User, add_user())
        monkeypatch.setattr(passwords, "ROUNDS", 5)
        users.authenticate(db, "amira", PASSWORD)
        assert "$2b$05$" in user.password_hash

    def test_not_with_a_wrong_password(self, db, add_user):
        old = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
        user = db.get(User, add_user())
        user.password_hash = old
        db.flush()
        users.authenticate(db, "amira", "another password")
        assert user.password_hash == old


class TestCreate:
    def test_the_user_has_an_id_and_the_password_is_hashed(self, db):
        user = users.create(db, "amira", PASSWORD, "Amira@Example.com")
        assert user.id is not None
        assert user.email == "amira@example.com"
        assert user.check_password(PASSWORD)

    @pytest.mark.parametrize(
        ("username", "password", "email", "code"),
        [
            ("am", PASSWORD, None, "username_length"),
            ("amira", "short", None, "password_too_short"),
            ("amira", "password", None, "password_too_common"),
            ("amira", PASSWORD, "nonsense", "email_invalid"),
            ("taken", PASSWORD, None, "username_taken"),
            ("TAKEN", PASSWORD, None, "username_taken"),
            ("amira", PASSWORD, "TAKEN@example.com", "email_taken"),
        ],
    )
    def test_refused(self, db, add_user, username, password, email, code):
        add_user("taken", email="taken@example.com")
        with pytest.raises(ValidationError) as caught:
            users.create(db, username, password, email)
        assert caught.value.code == code
        assert users.find(db, "amira") is None


class TestStaff:
    def test_the_admin_takes_staff_and_superusers(self, db, add_user):
        add_user("visitor")
        add_user("staff", is_staff=True)
        add_user("boss", is_superuser=True)
        add_user("locked", is_staff=True, is_active=False)
        admitted = [
            name
            for name in ("visitor", "staff", "boss", "locked")
            if AdminUserManager().authenticate(db, name, PASSWORD)
        ]
        assert admitted == ["staff", "boss"]

    def test_they_are_in_the_one_table(self, db):
        staff = AdminUserManager().create(db, "staff", PASSWORD)
        assert staff.is_staff
        assert not staff.is_superuser
        assert users.find(db, "staff") is staff
