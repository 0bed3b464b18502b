"""The processor time of ``makemigrations`` and ``migrate`` with nothing to do, ours and Django's, as whole processes.

Both have the same 50 models in 5 apps, migrated on SQLite. The commands run in turn, and only ratios are shown.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

ROUNDS = 9
APPS = 5
MODELS = 10

OURS = """\
import sys
from pathlib import Path
from lback.commands.main import manage
sys.exit(manage(Path(__file__).resolve().parent))
"""
OUR_MODELS = """\
from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column
from lback.models.base import BaseModel
"""
OUR_MODEL = """
class {name}(BaseModel):
    __tablename__ = "{table}"
    title: Mapped[str] = mapped_column(String(200), index=True)
    slug: Mapped[str] = mapped_column(String(80), unique=True)
    text: Mapped[str] = mapped_column(Text)
    number: Mapped[int]
    before_id: Mapped[int | None] = mapped_column(ForeignKey("{before}.id"), index=True)
"""
DJANGO = """\
import os, sys
from django.core.management import execute_from_command_line
os.environ["DJANGO_SETTINGS_MODULE"] = "site_settings"
execute_from_command_line(sys.argv)
"""
DJANGO_SETTINGS = """\
SECRET_KEY = "a-key-for-benchmarks-0123456789-abcdef"
DATABASES = {{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite"}}}}
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
INSTALLED_APPS = {apps!r}
"""
DJANGO_MODEL = """
class {name}(models.Model):
    title = models.CharField(max_length=200, db_index=True)
    slug = models.CharField(max_length=80, unique=True)
    text = models.TextField()
    number = models.IntegerField()
    before = models.ForeignKey("{before}", models.CASCADE, null=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
"""


def write_project(folder: Path, *, django: bool) -> None:
    """Write a project with all models."""
    apps = [f"app{number}" for number in range(APPS)]
    for app in apps:
        (folder / app / "migrations").mkdir(parents=True)
        for package in (folder / app, folder / app / "migrations"):
            (package / "__init__.py").write_text("")
        source = "from django.db import models\n" if django else OUR_MODELS
        for number in range(MODELS):
            before = max(number - 1, 0)
            if django:
                source += DJANGO_MODEL.format(name=f"Model{number}", before=f"Model{before}")
            else:
                table = f"{app}_model"
                source += OUR_MODEL.format(
                    name=f"{app.title()}Model{number}", table=f"{table}{number}", before=f"{table}{before}"
                )
        (folder / app / "models.py").write_text(source)
    (folder / "manage.py").write_text(DJANGO if django else OURS)
    settings = DJANGO_SETTINGS.format(apps=apps) if django else f"INSTALLED_APPS = {apps!r}\nDEBUG = True\n"
    (folder / ("site_settings.py" if django else "settings.py")).write_text(settings)


def processor_time(folder: Path, *command: str) -> float:
    """Return how many seconds of the processor a command of a project takes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "manage.py", *command], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Print the ratios."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    with tempfile.TemporaryDirectory() as name:
        ours, peer = Path(name) / "ours", Path(name) / "peer"
        for folder in (ours, peer):
            folder.mkdir()
            write_project(folder, django=folder is peer)
            for command in ("makemigrations", "migrate"):
                processor_time(folder, command)
        for command in ("makemigrations", "migrate"):
            ratios = sorted(processor_time(ours, command) / processor_time(peer, command) for _ in range(ROUNDS))
            median = ratios[ROUNDS // 2]
            print(f"{command}, nothing to do, ours / Django: median {median:.2f}, {ratios[0]:.2f} to {ratios[-1]:.2f}")


if __name__ == "__main__":
    main()
