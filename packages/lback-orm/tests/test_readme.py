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
    assert list(session.scalars(select(Book.title))) == ["Middlemarch"]
app = make_app(
    [path("/", add_book, ["POST"])],
    MIDDLEWARES=["lback.models.middleware.SQLAlchemySessionMiddleware"],
    DATABASE_URL="sqlite://",
)
Base.metadata.create_all(app.container.get(DatabaseManager).engine)
assert Client(app).post("/", {"title": "Emma"}).json() == {"books": ["Emma"]}
"""


def test_the_examples_run_as_printed(tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    script = tmp_path / "examples.py"
    script.write_text("\n".join([*blocks, CHECK]))
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
