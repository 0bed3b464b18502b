"""What a server runs: gunicorn $name.wsgi:application."""

from pathlib import Path

from lback.core.app import Application

application = Application.from_project(Path(__file__).resolve().parent.parent)
