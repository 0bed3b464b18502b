"""The examples of the package's README, run as printed; what stands behind ``# `` after a print is what it prints."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jinja2 import Environment

pytest.importorskip("sqlalchemy", reason="lback-forms[orm] is not installed")

README = Path(__file__).resolve().parent.parent / "README.md"
BLOCKS = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
SHOWN = re.compile(r"^\s*print\(.*\)  # (.*)$", re.MULTILINE)


@pytest.fixture
def namespace(capsys: pytest.CaptureFixture[str]) -> Iterator[dict[str, Any]]:
    """Run all blocks, one after the other, as a reader would; return what they define."""
    names: dict[str, Any] = {"__name__": "readme"}
    for block in BLOCKS:
        exec(block, names)
    yield names
    names["engine"].dispose()


def test_the_examples_print_what_they_say(namespace: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    printed = capsys.readouterr().out
    expected = [text for block in BLOCKS for text in SHOWN.findall(block)]
    assert len(expected) >= 10
    position = 0
    for text in expected:
        position = printed.find(text + "\n", position)
        assert position >= 0, f"{text!r} is not printed, or not in this place:\n{printed}"


def test_the_templates_render(namespace: dict[str, Any]) -> None:
    templates = re.findall(r"```html\n(.*?)```", README.read_text(), re.DOTALL)
    form = namespace["ContactForm"](data={"email": "jane"})
    environment = Environment(autoescape=True)
    first, second = templates
    html = environment.from_string(first).render(form=form, csrf_input=lambda: "")
    assert 'href="#id_email"' in html
    assert 'name="email"' in html
    assert 'name="email"' in environment.from_string(second).render(form=form, fields=list(form), errors=[], hidden="")


def test_every_field_and_widget_is_named() -> None:
    from lback.forms import fields, widgets

    text = README.read_text()
    kinds = [name for name in fields.__all__ if name != "Field"]
    kinds += [name for name in widgets.__all__ if name.endswith(("Input", "Select", "Multiple")) and name != "Input"]
    assert [name for name in kinds if f"`{name}`" not in text] == []
