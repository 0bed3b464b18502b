import pytest

from lback.core.testing import Client

PASSWORD = "correct horse battery"
RIGHTS = [f"{action}_{model}" for action in ("view", "add", "change", "delete") for model in ("user", "group")]


@pytest.fixture
def user(transaction, models):
    """Return facts about a user as they are in the database."""

    def facts(name, *attributes):
        with transaction() as db:
            found = db.query(models.User).filter_by(username=name).one()
            values = [getattr(found, attribute) for attribute in attributes]
            return values[0] if len(values) == 1 else values

    return facts


@pytest.fixture
def groups(transaction, models):
    def names(username):
        with transaction() as db:
            return {group.name for group in db.query(models.User).filter_by(username=username).one().groups}

    return names


def test_permissions_are_defined_and_put_into_groups(root, transaction, models):
    for name in ("blog.add_post", "blog.edit_post", "blog.delete_post"):
        form = {"name": name, "description": "x"}
        assert root.csrf_post("/admin/userpermission/add/", form).status_code == 303
    form = {"name": "Editor", "description": "Writes", "permissions": ["1", "2"]}
    assert root.csrf_post("/admin/group/add/", form).status_code == 303
    form["permissions"] = ["2", "3"]
    assert root.csrf_post("/admin/group/1/change/", form).status_code == 303
    with transaction() as db:
        names = {permission.name for permission in db.get(models.Group, 1).permissions}
    assert names == {"blog.edit_post", "blog.delete_post"}


def test_a_user_is_created_with_a_password_and_groups_and_logs_in(root, app, add, models, groups, user):
    group = add(models.Group(name="Editor"))
    form = {
        "username": "ada",
        "email": "ada@example.org",
        "new_password": "a long enough one",
        "is_active": "on",
        "is_staff": "on",
        "groups": [str(group)],
    }
    response = root.csrf_post("/admin/user/add/", form)
    assert response.status_code == 303, response.text
    assert groups("ada") == {"Editor"}
    assert user("ada", "password_hash").startswith("bcrypt-")
    client = Client(app)
    login = {"username": "ada", "password": "a long enough one"}
    assert client.csrf_post("/admin/login/", login).status_code == 303


@pytest.mark.parametrize("password", ["", "short", "password"])
def test_a_new_user_needs_a_password_that_follows_the_rules(root, password):
    form = {"username": "ada", "new_password": password, "is_active": "on"}
    response = root.csrf_post("/admin/user/add/", form)
    assert response.status_code == 400
    assert 'id="id_new_password_errors"' in response.text


@pytest.mark.parametrize("name", ["ab", "a b c", "ada@example.org", "", "ROOT"])
def test_a_user_name_follows_the_rules_and_is_not_taken(root, name):
    form = {"username": name, "new_password": "a long enough one"}
    response = root.csrf_post("/admin/user/add/", form)
    assert response.status_code == 400
    assert 'id="id_username_errors"' in response.text


def test_an_empty_password_field_keeps_the_password(root, make_user, user):
    key = make_user("ada")
    before = user("ada", "password_hash")
    form = {"username": "ada", "email": "", "is_active": "on", "new_password": ""}
    assert root.csrf_post(f"/admin/user/{key}/change/", form).status_code == 303
    assert user("ada", "password_hash", "email") == [before, None]


def test_two_accounts_without_an_address_can_be_saved(root, make_user):
    for name in ("ada", "bob"):
        key = make_user(name)
        form = {"username": name, "email": "", "is_active": "on"}
        assert root.csrf_post(f"/admin/user/{key}/change/", form).status_code == 303


def test_a_changed_password_ends_the_sessions_of_that_user_and_keeps_ones_own(root, log_in, user):
    other = log_in("view_user", username="ada")
    key = user("ada", "id")
    form = {"username": "ada", "is_active": "on", "is_staff": "on", "new_password": "another long one"}
    assert root.csrf_post(f"/admin/user/{key}/change/", form).status_code == 303
    assert other.get("/admin/dashboard/").status_code == 302
    form = {"username": "root", "new_password": "another long one"}
    assert root.csrf_post(f"/admin/user/{user('root', 'id')}/change/", form).status_code == 303
    assert root.get("/admin/dashboard/").status_code == 200


def test_hashes_and_passwords_are_on_no_page(root, make_user):
    key = make_user("ada")
    for path in ("/admin/user/", f"/admin/user/{key}/change/", f"/admin/user/{key}/delete/"):
        text = root.get(path).text
        assert "bcrypt" not in text
        assert "$2b$" not in text
        assert PASSWORD not in text


def test_a_superuser_makes_a_superuser(root, make_user, user):
    key = make_user("ada")
    form = {"username": "ada", "is_active": "on", "is_superuser": "on"}
    assert root.csrf_post(f"/admin/user/{key}/change/", form).status_code == 303
    assert user("ada", "is_superuser") is True


def test_nobody_else_makes_a_superuser(log_in, make_user, user):
    key = make_user("ada")
    client = log_in(*RIGHTS)
    form = {"username": "ada", "is_active": "on", "is_superuser": "1", "id": "1", "password_hash": "x", "password": "x"}
    before = user("ada", "id", "password_hash")
    assert client.csrf_post(f"/admin/user/{key}/change/", form).status_code == 303
    assert user("ada", "is_superuser") is False
    assert user("ada", "id", "password_hash") == before
    new = {"username": "eve", "new_password": "a long enough one", "is_superuser": "on"}
    assert client.csrf_post("/admin/user/add/", new).status_code == 303
    assert user("eve", "is_superuser") is False


@pytest.mark.parametrize("flags", [{"is_superuser": True}, {"groups": ["admin"]}])
def test_the_account_of_a_superuser_is_out_of_reach_for_other_staff(log_in, make_user, user, flags):
    key = make_user("boss", **flags)
    client = log_in(*RIGHTS)
    before = user("boss", "password_hash", "is_superuser", "is_active")
    form = {"username": "boss", "new_password": "taken over now"}
    assert client.csrf_post(f"/admin/user/{key}/change/", form).status_code == 403
    assert client.csrf_post(f"/admin/user/{key}/delete/", {}).status_code == 403
    assert user("boss", "password_hash", "is_superuser", "is_active") == before
    assert "View only" in client.get(f"/admin/user/{key}/change/").text


def test_a_deactivated_superuser_is_out_of_reach_too(log_in, make_user, user):
    key = make_user("boss", is_superuser=True, is_active=False)
    client = log_in(*RIGHTS)
    form = {"username": "boss", "new_password": "taken over now", "is_active": "on"}
    assert client.csrf_post(f"/admin/user/{key}/change/", form).status_code == 403


def test_nobody_else_touches_the_group_of_superusers(log_in, make_user, add, models, groups, transaction):
    group = add(models.Group(name="admin"))
    key = make_user("ada")
    client = log_in(*RIGHTS)
    form = {"username": "ada", "is_active": "on", "groups": [str(group)]}
    assert client.csrf_post(f"/admin/user/{key}/change/", form).status_code == 400
    assert groups("ada") == set()
    change = {"name": "admin", "description": "mine"}
    assert client.csrf_post(f"/admin/group/{group}/change/", change).status_code == 403
    assert client.csrf_post(f"/admin/group/{group}/delete/", {}).status_code == 403


@pytest.mark.parametrize("name", ["admin", " admin ", "Admin"])
def test_nobody_else_names_a_group_like_that_of_the_superusers(log_in, add, models, name):
    client = log_in(*RIGHTS)
    assert client.csrf_post("/admin/group/add/", {"name": name}).status_code == 400
    group = add(models.Group(name="harmless"))
    assert client.csrf_post(f"/admin/group/{group}/change/", {"name": name}).status_code == 400


def test_nobody_takes_away_their_own_rights_or_account(root, user):
    key = user("root", "id")
    assert root.csrf_post(f"/admin/user/{key}/change/", {"username": "root"}).status_code == 303
    assert user("root", "is_active", "is_staff", "is_superuser") == [True, True, True]
    assert root.csrf_post(f"/admin/user/{key}/delete/", {}).status_code == 403


def test_nobody_but_a_superuser_puts_themselves_into_groups(log_in, add, models, user, groups):
    group = add(models.Group(name="powerful"))
    client = log_in(*RIGHTS)
    form = {"username": "editor", "groups": [str(group)]}
    assert client.csrf_post(f"/admin/user/{user('editor', 'id')}/change/", form).status_code == 303
    assert groups("editor") == {"rights of editor"}


def test_staff_give_others_no_group_with_rights_that_they_lack(log_in, make_user, add, models, groups):
    beyond = add(models.Group(name="treasurers", permissions=[models.UserPermission(name="delete_ledger")]))
    harmless = add(models.Group(name="readers"))
    key = make_user("ada")
    client = log_in(*RIGHTS)
    form = {"username": "ada", "is_active": "on", "groups": [str(beyond)]}
    assert client.csrf_post(f"/admin/user/{key}/change/", form).status_code == 400
    assert "treasurers" not in client.get(f"/admin/user/{key}/change/").text
    assert client.csrf_post(f"/admin/user/{key}/change/", {**form, "groups": [str(harmless)]}).status_code == 303
    assert groups("ada") == {"readers"}


def test_an_account_with_rights_that_staff_lack_is_out_of_their_reach(log_in, make_user, user):
    key = make_user("treasurer", "delete_ledger")
    client = log_in(*RIGHTS)
    before = user("treasurer", "password_hash")
    form = {"username": "treasurer", "new_password": "taken over now", "is_active": "on"}
    assert client.csrf_post(f"/admin/user/{key}/change/", form).status_code == 403
    assert client.csrf_post(f"/admin/user/{key}/delete/", {}).status_code == 403
    assert user("treasurer", "password_hash") == before


def test_staff_put_into_groups_only_what_they_have(log_in, add, models, transaction):
    permission = add(models.UserPermission(name="delete_ledger"))
    group = add(models.Group(name="readers"))
    client = log_in(*RIGHTS)
    form = {"name": "readers", "permissions": [str(permission)]}
    assert client.csrf_post(f"/admin/group/{group}/change/", form).status_code == 400
    with transaction() as db:
        own = db.query(models.UserPermission).filter_by(name="view_user").one().id
    assert client.csrf_post(f"/admin/group/{group}/change/", {**form, "permissions": [str(own)]}).status_code == 303
    with transaction() as db:
        assert [item.name for item in db.get(models.Group, group).permissions] == ["view_user"]


def test_a_group_that_gives_what_staff_lack_is_out_of_their_reach(log_in, add, models):
    group = add(models.Group(name="treasurers", permissions=[models.UserPermission(name="delete_ledger")]))
    client = log_in(*RIGHTS)
    assert client.csrf_post(f"/admin/group/{group}/change/", {"name": "mine"}).status_code == 403
    assert client.csrf_post(f"/admin/group/{group}/delete/", {}).status_code == 403


def test_a_permission_is_renamed_by_superusers_alone(log_in, root, add, models):
    permission = add(models.UserPermission(name="view_ledger"))
    client = log_in("view_userpermission", "change_userpermission", "view_ledger")
    change = {"name": "delete_ledger"}
    assert client.csrf_post(f"/admin/userpermission/{permission}/change/", change).status_code == 403
    assert root.csrf_post(f"/admin/userpermission/{permission}/change/", change).status_code == 303
