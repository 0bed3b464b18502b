"""Runs the development server in a process of its own, and replaces that process when a file changes."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from watchfiles import Change, watch

# Templates and static files are not among them: with DEBUG on they are read anew anyway.
WATCHED = (".py", ".env", "config.json")
PASSED_OVER = frozenset({"__pycache__", "node_modules", "venv", "env", "static", "staticfiles", "media"})


class SourceFilter:
    """Lets through the files of a project whose change needs a new server process.

    Args:
        base_dir: The folder of the project.
    """

    def __init__(self, base_dir: Path) -> None:
        self.base_dir = base_dir

    def __call__(self, change: Change, path: str) -> bool:
        """Tell whether to start anew."""
        if not path.endswith(WATCHED):
            return False
        folders = Path(path).relative_to(self.base_dir).parts[:-1]
        return not any(folder in PASSED_OVER or folder.startswith(".") for folder in folders)


class Reloader:
    """Serves a project on a socket that outlives the server process, so no request is refused in between.

    Args:
        base_dir: The folder of the project.
        listener: Where to serve.
    """

    def __init__(self, base_dir: Path, listener: socket.socket) -> None:
        self.base_dir = base_dir
        self.listener = listener
        self.process: subprocess.Popen[bytes] | None = None
        # The server ends when this pipe closes, however this process comes to its end.
        self._lifeline, self._held = os.pipe()

    def run(self) -> None:
        """Serve until Ctrl-C or SIGTERM. A server that stops by itself is started again after the next change."""
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        self._start()
        try:
            for changes in watch(self.base_dir, watch_filter=SourceFilter(self.base_dir)):
                names = sorted({os.path.relpath(path, self.base_dir) for _, path in changes})
                self._stop()
                # Said when the old server is gone: from here on every answer is of the new code.
                sys.stderr.write(f"Changed: {', '.join(names)}. Starting anew.\n")
                self._start()
        except KeyboardInterrupt:
            return
        finally:
            self._stop()

    def _start(self) -> None:
        descriptors = (self.listener.fileno(), self._lifeline)
        # -P: the folder this was started in must not hide a module of the framework.
        command = [sys.executable, "-P", "-m", "lback.commands.devserver", str(self.base_dir)]
        command += map(str, descriptors)
        self.process = subprocess.Popen(command, pass_fds=descriptors)  # noqa: S603 - no shell, our own program

    def _stop(self) -> None:
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None
