"""Without SQLAlchemy, everything but the model forms works."""

import subprocess
import sys

import pytest

# Makes the import fail as it does where the distribution is not installed.
WITHOUT = """
import sys
sys.modules["sqlalchemy"] = None
{}
"""


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", WITHOUT.format(code)], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("module", ["forms", "fields", "widgets", "validation"])
def test_forms_do_not_need_sqlalchemy(module: str) -> None:
    done = run(f"import lback.forms.{module}")
    assert done.returncode == 0, done.stderr


def test_model_forms_say_what_to_install() -> None:
    done = run("import lback.forms.models")
    assert "ImportError: lback.forms.models needs SQLAlchemy" in done.stderr
    assert "pip install 'lback-forms[orm]'" in done.stderr


def test_importing_forms_imports_neither_jinja2_nor_the_address_parser() -> None:
    done = run(
        "import lback.forms.forms, lback.forms.fields; print('jinja2' in sys.modules, 'email_validator' in sys.modules)"
    )
    assert done.stdout.split() == ["False", "False"]
