"""The code blocks of README.md run as they are printed.

The road test walks the courses app. Here every block with Python is put into a module of an app and imported, so that
its names are there; those that are the inside of a view are called as one.
"""

import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from .conftest import ROOT

BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)

# What the README leaves to the reader: `lback.models.product` stands for a model of the reader's own.
READERS_OWN = """
import sys, types
from sqlalchemy import Boolean, Column, Float, Integer, String, Text
from sqlalchemy.orm import declarative_base

class Product(declarative_base()):
    __tablename__ = "products"
    id = Column(Integer, primary_key=True)
    name = Column(String(255), nullable=False)
    description = Column(Text, nullable=True)
    price = Column(Float, nullable=False)
    is_available = Column(Boolean, default=True)
    stock_quantity = Column(Integer, default=0)

sys.modules["lback.models.product"] = types.ModuleType("lback.models.product")
sys.modules["lback.models.product"].Product = Product
"""


def name_of(block: str) -> str:
    """Return the module that a block is written into: what its first line says, or its first words."""
    first = block.splitlines()[0]
    path = re.match(r"# \w+/(\w+)\.py", first)
    return path[1] if path else re.sub(r"\W+", "_", first.strip("# ")).lower()[:30].strip("_")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a package `myapp`: the model and the serializer of the README, for the blocks that import them."""
    package = tmp_path_factory.mktemp("readme") / "myapp"
    package.mkdir()
    (package / "__init__.py").write_text("")
    for block in BLOCKS:
        if name_of(block) in ("models", "serializers"):
            (package / f"{name_of(block)}.py").write_text(block)
        if name_of(block) == "views" and "course_list_view" in block:
            (package / "views.py").write_text(block)
    return package


def run(folder: Path, script: str) -> None:
    done = subprocess.run([sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# The root URL module belongs to a project; the road test has it.
@pytest.mark.parametrize("block", [block for block in BLOCKS if "include(" not in block], ids=name_of)
def test_a_block_runs(app: Path, block: str) -> None:
    if re.search(r"^ +return ", block, re.MULTILINE) and "def " not in block:
        block = f"def inside_of_a_view(request):\n{textwrap.indent(block, '    ')}"
    (app / "block.py").write_text(block)
    run(app.parent, f"{READERS_OWN}\nimport myapp.block")


def test_the_form_of_the_readme_works_as_it_says(app: Path) -> None:
    contact = next(block for block in BLOCKS if "class ContactForm" in block)
    usage = next(block for block in BLOCKS if "form.is_valid()" in block)
    (app / "forms.py").write_text(contact)
    inside = textwrap.indent(usage, "    ")
    (app / "page.py").write_text(
        "from lback.utils.shortcuts import redirect, render\nfrom .forms import ContactForm\n\n"
        f"def contact(request):\n{inside}"
    )
    (app / "templates").mkdir()
    (app / "templates" / "contact.html").write_text('<form method="post">{{ form.as_p }}</form>')
    run(
        app.parent,
        """
from pathlib import Path
from lback.core.testing import Client, make_app
from lback.utils.urls import path
from myapp.page import contact

app = make_app([path("/", contact, ["POST"])], INSTALLED_APPS=["myapp"])
good = {"name": "Ada Lovelace", "email": "ada@example.org", "message": "Hello"}
assert Client(app).csrf_post("/", good).location == "/success-page/"
page = Client(app).csrf_post("/", {**good, "name": "the admin"}).text
assert "Name cannot contain &#39;admin&#39;." in page, page
assert 'name="csrfmiddlewaretoken"' in page
""",
    )
