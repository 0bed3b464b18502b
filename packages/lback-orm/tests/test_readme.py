"""The examples of the package's README, run as printed, in a process of its own as they define a model."""

import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).resolve().parent.parent / "README.md"
CHECK = """
from lback.core.testing import Client, make_app
from lback.utils.urls import path

with database.session() as session:
    titles = list(session.scalars(select(Book.title).order_by(Book.id).limit(3)))
    assert titles == ["Middlemarch", "The first volume", "Volume 1"]
assert longest == len("The first volume")
app = make_app(
    [
        path("/", add_book, ["POST"]),
        path("/books/", list_books),
        path("/scroll/", scroll_books),
        path("/books/{number:int}/", show_book),
    ],
    MIDDLEWARES=["lback.models.middleware.SQLAlchemySessionMiddleware"],
    DATABASE_URL="sqlite://",
)
Base.metadata.create_all(app.container.get(DatabaseManager).engine)
client = Client(app)
assert client.post("/", {"title": "Emma"}).json() == {"books": ["Emma"]}
assert client.get("/books/1/").json() == {"title": "Emma"}
assert client.get("/books/2/").status_code == 404
assert client.get("/books/?page=7").json() == {"titles": ["Emma"], "pages": 1}
assert client.get("/scroll/").json() == {"titles": ["Emma"], "after": None}
test_the_list_takes_two_statements(client, None)
"""


def test_the_examples_run_as_printed(tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    script = tmp_path / "examples.py"
    script.write_text("\n".join([*blocks, CHECK]))
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
