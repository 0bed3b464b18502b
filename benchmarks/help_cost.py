"""The processor time of ``manage.py --help``, ours and Django's, in turn, as whole processes."""

import argparse
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

ROUNDS = 15

OURS = """\
import sys
from pathlib import Path
from lback.commands.main import manage
sys.exit(manage(Path(__file__).resolve().parent))
"""
DJANGO = """\
import os, sys
from django.core.management import execute_from_command_line
os.environ["DJANGO_SETTINGS_MODULE"] = "site_settings"
execute_from_command_line(sys.argv)
"""
DJANGO_SETTINGS = """\
SECRET_KEY = "a-key-for-benchmarks-0123456789-abcdef"
INSTALLED_APPS = [
    "django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions",
    "django.contrib.messages", "django.contrib.staticfiles",
]
"""


def processor_time(command: list[str], folder: Path) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "ours.py").write_text(OURS)
        (folder / "peer.py").write_text(DJANGO)
        (folder / "site_settings.py").write_text(DJANGO_SETTINGS)
        ratios = []
        for _ in range(ROUNDS + 1):
            ours = processor_time([sys.executable, "ours.py", "--help"], folder)
            peer = processor_time([sys.executable, "peer.py", "--help"], folder)
            ratios.append(ours / peer)
    ratios = sorted(ratios[1:])
    print(f"manage.py --help, ours / Django: median {ratios[ROUNDS // 2]:.2f}, {ratios[0]:.2f} to {ratios[-1]:.2f}")


if __name__ == "__main__":
    main()
