"""The main road of README.md, walked as a user walks it: wheels in a fresh environment, processes, HTTP.

The fixture `road` goes through the commands once; each test looks at one thing that came of it.
"""

import os
import re
import runpy
import signal
import socket
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from .browser import Browser, Page
from .conftest import ROOT
from .environments import Environment
from .terminal import converse

PASSWORD = "a road of many small stones"
OTHER_PASSWORD = "and another one beside it"

Done = subprocess.CompletedProcess[str]


class Road:
    """A project on its way, and what each command said."""

    def __init__(self, environment: Environment, folder: Path) -> None:
        self.environment = environment
        self.folder = folder
        self.project = folder / "shop"
        self.said: dict[str, Done] = {}
        self.site = ""

    def manage(self, *arguments: str, check: bool = True, **variables: str) -> Done:
        return self.environment.run("python", "manage.py", *arguments, cwd=self.project, check=check, **variables)

    def walk(self) -> None:
        """Go from an empty folder to a project with tables, rows and accounts."""
        said = self.said
        said["startproject"] = self.environment.run("lback", "startproject", "shop", cwd=self.folder)
        said["startapp"] = self.manage("startapp", "courses")
        runpy.run_path(str(ROOT / "scripts" / "readme.py"))["paste_courses_app"](self.project, "shop")
        said["makemigrations"] = self.manage("makemigrations")
        said["migrate"] = self.manage("migrate")
        code, shown = converse(
            [str(self.environment.python), "manage.py", "create_superuser"],
            cwd=self.project,
            variables=self.environment.variables(),
            answers=[
                ("Username:", "root"),
                ("E-mail", "root@example.com"),
                ("Password:", PASSWORD),
                ("Password (again):", PASSWORD),
            ],
        )
        said["prompts"] = Done([], code, shown, "")
        said["flags"] = self.manage(
            "create_superuser", "--noinput", "--username", "second", LBACK_SUPERUSER_PASSWORD=OTHER_PASSWORD
        )
        self.environment.run("python", str(ROOT / "scripts" / "demo_courses.py"), cwd=self.project)

    def revisions(self) -> list[str]:
        """The names of the app's migrations."""
        folder = self.project / "courses" / "migrations"
        return sorted(path.name for path in folder.glob("*.py") if path.name != "__init__.py")


@pytest.fixture(scope="module")
def road(installed: Environment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Road]:
    road = Road(installed, tmp_path_factory.mktemp("road"))
    road.walk()
    # The socket listens before the server runs, so the first request waits for it instead of being refused.
    with socket.create_server(("127.0.0.1", 0)) as listener, (road.folder / "gunicorn.log").open("w+") as log:
        descriptor = listener.fileno()
        server = subprocess.Popen(
            [installed.programs / "gunicorn", "shop.wsgi:application", "--workers=2", f"--bind=fd://{descriptor}"],
            cwd=road.project,
            env=installed.variables(),
            pass_fds=[descriptor],
            stdout=log,
            stderr=log,
        )
        road.site = f"http://127.0.0.1:{listener.getsockname()[1]}"
        # The server has it now; kept open here as well, it would let requests wait for a server that has died.
        listener.close()
        try:
            yield road
        finally:
            server.terminate()
            code = server.wait(timeout=60)
            log.seek(0)
            logged = log.read()
    assert code == 0, logged
    assert "Traceback" not in logged, logged


@pytest.fixture
def visitor(road: Road) -> Browser:
    """Somebody who has not logged in."""
    return Browser(road.site)


@pytest.fixture(scope="module")
def staff(road: Road) -> Browser:
    """The superuser, logged in to the admin."""
    browser = Browser(road.site)
    assert log_in(browser, "root", PASSWORD).status == 200
    return browser


def log_in(browser: Browser, username: str, password: str) -> Page:
    page = browser.get("/admin/", follow=True)
    return browser.submit(page.form("username", "password"), username=username, password=password)


# -- the commands -----------------------------------------------------------------------------------------------------


def test_startproject_keeps_to_the_new_folder(road: Road) -> None:
    assert {path.name for path in road.folder.iterdir()} == {"shop", "gunicorn.log"}


def test_startproject_refuses_an_existing_folder(road: Road) -> None:
    before = (road.project / "settings.py").read_text()
    again = road.environment.run("lback", "startproject", "shop", cwd=road.folder, check=False)
    assert again.returncode == 1
    assert again.stderr.startswith("Error: There is something at")
    assert (road.project / "settings.py").read_text() == before


def test_startproject_writes_for_the_whole_framework(road: Road) -> None:
    settings = (road.project / "settings.py").read_text()
    assert '"admin",' in settings
    assert '"auth_app",' in settings
    middlewares = re.findall(r'"lback\.[\w.]+\.(\w+)Middleware",', settings)
    assert middlewares == ["SQLAlchemySession", "StaticFiles", "Session", "Auth", "CSRF", "SecurityHeaders"]
    urls = (road.project / "shop" / "urls.py").read_text()
    assert 'include("lback.admin.urls", prefix="/admin/")' in urls
    assert 'include("lback.auth_app.urls", prefix="/auth/")' in urls


def test_startproject_keeps_the_secrets_from_others(road: Road) -> None:
    assert stat.S_IMODE((road.project / ".env").stat().st_mode) == 0o600


def test_makemigrations_writes_one_revision(road: Road) -> None:
    assert len(road.revisions()) == 1


def test_makemigrations_writes_nothing_when_nothing_changed(road: Road) -> None:
    before = road.revisions()
    road.manage("makemigrations")
    assert road.revisions() == before


def test_migrate_a_second_time_is_fine(road: Road) -> None:
    road.manage("migrate")


def test_create_superuser_asks(road: Road) -> None:
    assert road.said["prompts"].returncode == 0, road.said["prompts"].stdout
    assert PASSWORD not in road.said["prompts"].stdout


def test_create_superuser_takes_flags_from_scripts(road: Road) -> None:
    assert road.said["flags"].returncode == 0
    users = road.manage("list_users").stdout
    assert re.search(r"^- root \(root@example\.com\).*Superuser", users, re.MULTILINE)
    assert re.search(r"^- second .*Superuser", users, re.MULTILINE)


def test_the_tests_of_the_project_run(road: Road) -> None:
    (road.project / "test_site.py").write_text(
        "def test_home(client):\n    assert client.get('/').status_code == 200\n"
    )
    assert "1 passed" in road.manage("test").stdout


# -- the site -----------------------------------------------------------------------------------------------------


def test_the_start_page_says_what_to_do(visitor: Browser) -> None:
    page = visitor.get("/")
    assert page.status == 200
    for command in ("migrate", "create_superuser", "startapp courses"):
        assert f"python manage.py {command}" in page.text


def test_the_courses_are_listed(visitor: Browser) -> None:
    page = visitor.get("/courses/")
    assert page.status == 200
    assert "<h1>All Courses</h1>" in page.text
    assert page.text.count("<li>") >= 12
    assert "2026-03-06" in page.text


def test_the_api_view_answers_a_json_list(visitor: Browser) -> None:
    page = visitor.get("/api/courses/")
    assert page.status == 200
    assert page.headers["Content-Type"].startswith("application/json")
    courses = page.json()
    assert len(courses) >= 12
    assert courses[0]["name"] == "Algebra for the Curious"
    assert courses[0]["slug"] == "algebra-for-the-curious"


def test_a_missing_page_tells_nothing_of_the_inside(visitor: Browser) -> None:
    page = visitor.get("/missing/")
    assert page.status == 404
    assert "Traceback" not in page.text
    assert "urlpatterns" not in page.text


def test_static_files_are_served_without_debug(visitor: Browser) -> None:
    assert visitor.get("/static/css/home.css").status == 200
    assert visitor.get("/static/admin/admin.css").headers["Content-Type"].startswith("text/css")


def test_auth_login_logs_in(visitor: Browser) -> None:
    form = visitor.get("/auth/login/").form("identifier", "password")
    page = visitor.submit(form, follow=False, identifier="root", password=PASSWORD)
    assert page.status == 303
    assert page.location == "/"
    # Who is logged in has no need of the form.
    assert visitor.get("/auth/login/").status == 302


def test_auth_login_refuses_a_wrong_password(visitor: Browser) -> None:
    form = visitor.get("/auth/login/").form("identifier", "password")
    page = visitor.submit(form, identifier="root", password="wrong")
    assert page.status == 401
    assert "is not right" in page.text


def test_a_form_from_elsewhere_is_refused(visitor: Browser) -> None:
    visitor.get("/auth/login/")
    assert visitor.post("/auth/login/", {"identifier": "root", "password": PASSWORD}).status == 403


# -- the admin -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/admin/", "/admin/course/", "/admin/course/1/change/"])
def test_the_admin_sends_strangers_to_its_login(visitor: Browser, path: str) -> None:
    page = visitor.get(path)
    assert page.status == 302
    assert page.location.startswith("/admin/login/")


def test_the_admin_leads_back_to_where_one_wanted_to_go(visitor: Browser) -> None:
    form = visitor.get("/admin/course/", follow=True).form("username", "password")
    assert visitor.submit(form, username="second", password=OTHER_PASSWORD).path == "/admin/course/"


def test_the_dashboard_shows_the_models(staff: Browser) -> None:
    page = staff.get("/admin/", follow=True)
    assert page.path == "/admin/dashboard/"
    assert page.link("Courses")
    assert page.link("Users")


def test_a_course_is_added_listed_changed_and_deleted(staff: Browser) -> None:
    dashboard = staff.get("/admin/", follow=True)
    courses = dashboard.link("Courses")

    form = staff.get(staff.get(courses).link("Add course")).form("name", "slug")
    page = staff.submit(form, name="Lock Picking <i>", slug="lock-picking")
    assert page.status == 200
    assert "Lock Picking &lt;i&gt;" in page.text

    change = next(url for text, url in find(staff, courses, "Lock Picking").links.items() if "Lock Picking" in text)
    form = staff.get(change).form("name", "slug")
    assert form.fields["name"] == "Lock Picking <i>"
    staff.submit(form, name="Lock Making")
    assert {"Lock Making"} == {c["name"] for c in staff.get("/api/courses/").json() if c["slug"] == "lock-picking"}

    page = staff.get(staff.get(change).link("Delete"))
    (form,) = [form for form in page.forms if "logout" not in form.action]
    staff.submit(form)
    assert not [c for c in staff.get("/api/courses/").json() if c["slug"] == "lock-picking"]


def find(browser: Browser, courses: str, text: str) -> Page:
    page = browser.get(courses)
    (form,) = [form for form in page.forms if "q" in form.fields]
    return browser.get(f"{form.action}?q={text.replace(' ', '+')}")


def test_a_course_without_a_name_is_refused(staff: Browser) -> None:
    form = staff.get("/admin/course/add/").form("name", "slug")
    page = staff.submit(form, name="")
    assert "Nothing was saved" in page.text


def test_logging_out_ends_it(road: Road) -> None:
    browser = Browser(road.site)
    page = log_in(browser, "second", OTHER_PASSWORD)
    (form,) = [form for form in page.forms if "logout" in form.action]
    browser.submit(form)
    assert browser.get("/admin/dashboard/").status == 302


# -- the development server ---------------------------------------------------------------------------------------


def test_runserver_serves_the_same_project(road: Road) -> None:
    server = subprocess.Popen(
        [road.environment.python, "-u", "manage.py", "runserver", "--port", "0"],
        cwd=road.project,
        env=road.environment.variables(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert server.stdout is not None
    with server.stdout as output:
        found = re.search(r"http://127\.0\.0\.1:\d+", output.readline())
        assert found
        browser = Browser(found[0])
        assert browser.get("/courses/").text.count("<li>") >= 12
        assert log_in(browser, "root", PASSWORD).path == "/admin/dashboard/"
        os.kill(server.pid, signal.SIGINT)
        assert "Traceback" not in output.read()
    assert server.wait(timeout=30) == 0
