"""Make a demo site and serve it on http://127.0.0.1:8000/ until Ctrl-C: python3 scripts/demo.py [--port 8000].

The site is the courses app of README.md with a dozen courses and an admin account, in .demo/ below the checkout.
It is made once; later runs serve what is there, with a new password for the account.
"""

import argparse
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

from environment import ROOT, environment, require_python, say
from readme import paste_courses_app

DEMO = ROOT / ".demo"
PROJECT = DEMO / "myproject"
# Written last, so a demo that was interrupted while it was made is made anew.
COMPLETE = DEMO / "complete"
USER = "admin"


def main() -> int:
    """Make what is missing and serve; return the exit code."""
    require_python()
    port = _arguments().port
    _require_free(port)
    programs = environment(".venv-demo")
    if not COMPLETE.exists():
        make_project(programs)
    password = secrets.token_urlsafe(12)
    give_account(programs, password)
    COMPLETE.touch()
    site = f"http://127.0.0.1:{port}"
    say("The demo site is ready")
    print(f"    {site}/courses/      the courses, as the template of README.md shows them")
    print(f"    {site}/api/courses/  the courses as JSON")
    print(f"    {site}/admin/        the admin panel: user {USER}, password {password}", flush=True)
    return serve(programs, port)


def make_project(programs: Path) -> None:
    """Make the project with its app, its tables and its rows."""
    say("Making the demo project in .demo/myproject/")
    shutil.rmtree(DEMO, ignore_errors=True)
    DEMO.mkdir()
    run([str(programs / "lback"), "startproject", "myproject"], DEMO)
    manage(programs, "startapp", "courses")
    paste_courses_app(PROJECT, "myproject")
    say("Making the tables, in an SQLite file")
    manage(programs, "makemigrations")
    manage(programs, "migrate")
    say("Adding a dozen courses")
    run([str(programs / "python"), str(ROOT / "scripts" / "demo_courses.py")], PROJECT)


def give_account(programs: Path, password: str) -> None:
    """Make the account, or give the one that is there the new password."""
    if COMPLETE.exists():
        manage(programs, "migrate")
        say("Giving the admin account a new password")
        manage(programs, "reset_password", "--noinput", "--username", USER, "--password-stdin", stdin=password)
    else:
        say("Making the admin account")
        manage(programs, "create_superuser", "--noinput", "--username", USER, "--password-stdin", stdin=password)


def manage(programs: Path, *arguments: str, stdin: str = "") -> None:
    """Run a command of the project's ``manage.py``."""
    run([str(programs / "python"), "manage.py", *arguments], PROJECT, stdin)


def run(command: list[str], folder: Path, stdin: str = "") -> None:
    """Run a program; when it fails, show what it said and end."""
    done = subprocess.run(command, cwd=folder, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.stderr.write(done.stdout + done.stderr)
        shown = " ".join([Path(command[0]).name, *command[1:]])
        sys.exit(f"The demo could not be made: {shown} ended with code {done.returncode}; its message is above.")


def serve(programs: Path, port: int) -> int:
    """Run the development server until it ends, which it does on Ctrl-C."""
    server = subprocess.Popen([str(programs / "python"), "manage.py", "runserver", "--port", str(port)], cwd=PROJECT)
    # Ctrl-C reaches the server too, and this process waits for it; other ways to end are handed on.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: server.terminate())
    return server.wait()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=8000, help="the port to serve on (default: 8000)")
    return parser.parse_args()


def _require_free(port: int) -> None:
    """End before the long part when the port is taken."""
    with socket.socket() as probe:
        if os.name == "posix":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as error:
            sys.exit(f"Port {port} can't be used ({error}). Stop what has it, or take another one: --port {port + 1}")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
