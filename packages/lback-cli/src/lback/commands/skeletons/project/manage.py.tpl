#!/usr/bin/env python
"""The command line of $name: python manage.py <command>."""

from pathlib import Path

try:
    from lback.commands.main import manage
except ModuleNotFoundError as error:
    raise SystemExit(f"{error}. Activate the environment in which Lback is installed, then try again.") from None

if __name__ == "__main__":
    manage(Path(__file__).resolve().parent)
