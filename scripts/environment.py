"""A virtual environment below the checkout with the packages of this checkout in it; for demo.py and test.py."""

import hashlib
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("core", "orm", "forms", "auth", "api", "admin", "cli")


def say(text: str) -> None:
    """Print what is being done, at once."""
    print(f"==> {text}", flush=True)


def require_python() -> None:
    """End with a sentence where Python is too old."""
    if sys.version_info < (3, 11):  # noqa: UP036 - this is where an older Python is told
        sys.exit(f"Lback needs Python 3.11 or newer; this is {sys.version.split()[0]}. Run it with a newer one.")


def sources() -> list[str]:
    """Return what pip installs to have the whole framework from this checkout, editable."""
    folders = [ROOT / "packages" / f"lback-{name}" for name in PACKAGES]
    return [
        part for folder in [*folders, ROOT / "packages" / "lback_framework"] for part in ("--editable", str(folder))
    ]


def environment(name: str, extra: tuple[str, ...] = ()) -> Path:
    """Make the environment, or bring it up to date, and return its folder of programs.

    Args:
        name: The name of the folder below the checkout.
        extra: Further requirements.
    """
    require_python()
    folder = ROOT / name
    programs = folder / ("Scripts" if sys.platform == "win32" else "bin")
    python = programs / "python"
    wanted = _fingerprint(extra)
    stamp = folder / "installed"
    if stamp.is_file() and stamp.read_text() == wanted and _works(python):
        say(f"Using the environment in {name}/")
        return programs
    say(f"Making an environment in {name}/")
    _create(folder, python)
    say("Installing the packages of this checkout and what they need (a minute or so)")
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *sources(), *extra]
    if subprocess.run(command, cwd=ROOT, check=False).returncode:
        sys.exit("The installation failed; pip's message above says why. Run the command again once it is mended.")
    stamp.write_text(wanted)
    return programs


def _create(folder: Path, python: Path) -> None:
    clear = not _works(python)
    try:
        venv.create(folder, with_pip=True, clear=clear)
    except subprocess.CalledProcessError:
        # Debian has pip for new environments in a package of its own; the pip that runs here can bring one as well.
        venv.create(folder, with_pip=False, clear=True)
        command = [sys.executable, "-m", "pip", "--quiet", "--python", str(python), "install", "pip"]
        if subprocess.run(command, check=False).returncode:
            sys.exit(
                "The environment could not be made: this Python has neither ensurepip nor pip. Install one of them."
            )


def _works(python: Path) -> bool:
    try:
        return subprocess.run([str(python), "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _fingerprint(extra: tuple[str, ...]) -> str:
    """Return what the environment depends on: the packages' metadata, the extras and the Python."""
    digest = hashlib.sha256(repr((extra, sys.version)).encode())
    for metadata in sorted(ROOT.glob("packages/*/pyproject.toml")):
        digest.update(metadata.read_bytes())
    return digest.hexdigest()
