"""The courses app of README.md, taken from the code blocks there, so that what is printed is what runs."""

import re
from pathlib import Path

README = Path(__file__).resolve().parent.parent / "README.md"

# The files of the app, and a line of the block in README.md that has their content.
COURSES_APP = {
    "courses/models.py": "# courses/models.py",
    "courses/views.py": "# course/views.py",
    "courses/urls.py": "# courses/urls.py",
    "courses/admin.py": "# courses/admin.py",
    "courses/serializers.py": "# myapp/serializers.py",
    "courses/api_views.py": "# myapp/api_views.py",
    "courses/templates/course_list.html": "    <title>Course List</title>",
}

_BLOCK = re.compile(r"^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def code_block(line: str) -> str:
    """Return the one code block of README.md that has `line` in it."""
    found = [text for text in _BLOCK.findall(README.read_text(encoding="utf-8")) if line in text.split("\n")]
    if len(found) != 1:
        raise LookupError(f"README.md must have one code block with the line {line!r}; it has {len(found)}.")
    return str(found[0])


def paste_courses_app(project: Path, package: str) -> None:
    """Write the courses app over the one that startapp made, and name it where the project has to know it.

    Args:
        project: The folder with ``manage.py``.
        package: The name of the project's package.
    """
    for name, line in COURSES_APP.items():
        path = project / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(code_block(line), encoding="utf-8")
    _insert(project / "settings.py", "INSTALLED_APPS = [", '\n    "courses",')
    urls = project / package / "urls.py"
    _insert(
        urls,
        "urlpatterns = [",
        '\n    include("courses.urls", prefix="/"),\n    path("/api/courses/", api_course_list_create_view),',
    )
    _insert(urls, "from lback.utils.urls import path", "\n\nfrom courses.api_views import api_course_list_create_view")


def _insert(path: Path, after: str, text: str) -> None:
    content = path.read_text(encoding="utf-8")
    if content.count(after) != 1:
        raise LookupError(f"{path} must have {after!r} once.")
    path.write_text(content.replace(after, after + text), encoding="utf-8")
