"""What holds for every page: nothing inline, nothing of the data is markup, nothing is kept by caches."""

from html.parser import HTMLParser

import pytest

ATTACK = "<img src=x onerror=alert(1)>"
LATER = "\"' autofocus onfocus=alert(2) x='{{7*7}}</script><script>alert(3)</script>"


class Page(HTMLParser):
    """Collects what a strict Content-Security-Policy forbids, and what readers of a screen need."""

    VOID = {"img", "input", "link", "meta", "br", "hr", "path", "circle", "rect"}

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.ids, self.labels, self.open, self.problems = [], [], [], set(), [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.problems.append(f"</{tag}> closes nothing")


@pytest.fixture
def pages(root, add, models):
    """Every page, on data that would be an attack if it were markup."""
    category = models.Category(name=ATTACK)
    course = models.Course(name=ATTACK, description=LATER, category=category, published=True, slug=LATER[:80])
    add(models.Lesson(minutes=1, course=course), models.Group(name=ATTACK), models.UserPermission(name=LATER), course)
    for number in range(45):
        add(models.Category(name=f"{number}{ATTACK}"))
    query = "?q=%3Cimg+src%3Dx+onerror%3Dalert(1)%3E"
    paths = [
        "/admin/dashboard/",
        "/admin/course/",
        "/admin/course/" + query,
        "/admin/category/",
        "/admin/category/?sort_by=name&page=2",
        "/admin/lesson/" + query,
        "/admin/lesson/",
        "/admin/course/add/",
        "/admin/course/1/change/",
        "/admin/course/1/delete/",
        "/admin/user/1/change/",
        "/admin/user/add/",
        "/admin/group/1/change/",
        "/admin/userpermission/1/change/",
    ]
    found = {path: root.get(path) for path in paths}
    found["invalid"] = root.csrf_post("/admin/course/1/change/", {"name": "", "slug": ATTACK, "category": ATTACK})
    found["flash"] = root.csrf_post("/admin/course/1/change/", {"name": ATTACK, "slug": "x"}, follow=True)
    found["history"] = root.get("/admin/course/1/history/")
    found["dashboard with changes"] = root.get("/admin/dashboard/")
    root.csrf_post("/admin/logout/", {})
    found["/admin/login/"] = root.get(f"/admin/login/?next={ATTACK.replace(' ', '+')}")
    assert {path: page.status_code for path, page in found.items() if page.status_code != 200} == {"invalid": 400}
    return found


def test_no_page_runs_what_the_data_holds(pages):
    for path, response in pages.items():
        page = Page(response.text)
        assert "<script>alert" not in response.text, path
        assert "49" not in [text for text in response.text.split() if text == "49"], path
        assert not [tag for tag, attrs in page.tags if tag == "img" and attrs.get("src") == "x"], path


def test_no_page_has_anything_inline(pages):
    for path, response in pages.items():
        page = Page(response.text)
        inline = [item for item in page.attributes if item[1] == "style" or item[1].startswith("on")]
        links = [item for item in page.attributes if item[2].strip().lower().startswith(("javascript:", "data:"))]
        assert not inline + links, path
        assert not [tag for tag, _ in page.tags if tag in ("style", "script")], path
        assert "unsafe-inline" not in response.headers["content-security-policy"], path


def test_every_page_is_well_formed_and_its_ids_are_unique(pages):
    for path, response in pages.items():
        page = Page(response.text)
        assert not page.problems, path
        assert not page.open, path
        ids = [attrs["id"] for _, attrs in page.tags if attrs.get("id")]
        assert len(ids) == len(set(ids)), path


def test_every_field_has_a_label_and_every_reference_leads_somewhere(pages):
    for path, response in pages.items():
        page = Page(response.text)
        ids = {attrs["id"] for _, attrs in page.tags if attrs.get("id")}
        labelled = {attrs.get("for") for tag, attrs in page.tags if tag == "label"}
        for tag, attrs in page.tags:
            if tag in ("input", "select", "textarea") and attrs.get("type") not in ("hidden", "checkbox", "radio"):
                assert attrs.get("id") in labelled, (path, attrs)
            for name in ("aria-describedby", "aria-labelledby", "for"):
                for target in (attrs.get(name) or "").split():
                    assert target in ids, (path, name, target)


def test_every_page_has_one_heading_a_title_and_a_way_past_the_menu(pages):
    for path, response in pages.items():
        page = Page(response.text)
        tags = [tag for tag, _ in page.tags]
        assert tags.count("h1") == tags.count("title") == tags.count("main") == 1, path
        assert 'href="#content"' in response.text, path


def test_no_cache_keeps_a_page(pages):
    for path, response in pages.items():
        assert response.headers["cache-control"] == "no-store", path


def test_a_garbled_attack_in_next_stays_text(pages):
    assert "<img src=x" not in pages["/admin/login/"].text


@pytest.mark.parametrize("name", ["admin.css", "icon.svg", "chevron.svg"])
def test_the_files_that_the_pages_name_are_served(root, name):
    assert root.get(f"/static/admin/{name}").status_code == 200


def test_the_style_sheet_loads_nothing_from_elsewhere(root):
    text = root.get("/static/admin/admin.css").text
    assert "http" not in text
    assert "@import" not in text
