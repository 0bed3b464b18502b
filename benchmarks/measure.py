"""What requests of one program cost: time as a ratio, Python calls, and with --instructions machine instructions.

Every framework runs in a process of its own, and all of them in turn, several rounds, so that a slow moment of the
machine meets them all. `main` makes a program of a table of applications.
"""

import argparse
import io
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Apps = Mapping[str, Callable[[], Any]]

ROUNDS = 7
SECONDS = 0.15


def environ(path: str) -> dict[str, Any]:
    method, path = ("POST", path.removeprefix("POST")) if path.startswith("POST") else ("GET", path)
    return {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "localhost:8000",
        "HTTP_ACCEPT": "text/html",
        "HTTP_USER_AGENT": "benchmark",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(b""),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }


def answer(application: Any, path: str) -> bytes:
    statuses: list[str] = []
    body = application(environ(path), lambda status, headers, exc_info=None: statuses.append(status))
    content = b"".join(body)
    if hasattr(body, "close"):
        body.close()
    if not statuses[0].startswith("200"):
        raise RuntimeError(f"{path}: {statuses[0]} {content[:200]!r}")
    return content


def requests_per_second(request: Callable[[], object]) -> float:
    count, began = 0, time.process_time()
    while (spent := time.process_time() - began) < SECONDS:
        for _ in range(50):
            request()
        count += 50
    return count / spent


def python_calls(request: Callable[[], object]) -> int:
    """Return the calls of Python and C functions during one request."""
    calls = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        request()
    finally:
        sys.setprofile(None)
    return calls


def serve(apps: Apps, paths: Sequence[str], name: str) -> None:
    """Answer lines of commands on standard input with measurements, as JSON."""
    application = apps[name]()
    for path in paths:
        for _ in range(20):
            answer(application, path)
    for line in sys.stdin:
        command, path = line.split()
        request = lambda: answer(application, path)  # noqa: B023, E731
        print(json.dumps(requests_per_second(request) if command == "time" else python_calls(request)), flush=True)


def repeat(apps: Apps, name: str, path: str, times: int) -> None:
    application = apps[name]()
    for _ in range(times):
        answer(application, path)


def instructions(name: str, path: str) -> int:
    """Return the machine instructions of one request: the difference between 1,100 and 100 of them, by callgrind."""
    # Compiles what was changed, which would count as a part of the first measured run.
    subprocess.run([sys.executable, sys.argv[0], "--repeat", name, path, "1"], check=True)
    totals = []
    for times in (100, 1100):
        with tempfile.TemporaryDirectory() as folder:
            command = [
                "valgrind",
                "--tool=callgrind",
                f"--callgrind-out-file={folder}/out",
                sys.executable,
                sys.argv[0],
            ]
            done = subprocess.run(
                [*command, "--repeat", name, path, str(times)],
                capture_output=True,
                text=True,
                check=True,
                env={"PYTHONHASHSEED": "0", "PATH": "/usr/bin:/bin"},
            )
            totals.append(int(done.stderr.partition("Collected : ")[2].split()[0]))
    return (totals[1] - totals[0]) // 1000


def compare(paths: Sequence[str], names: list[str]) -> None:
    """Print the measurements of all applications; the first one is the measure of the others."""
    base_name = names[0]
    workers = {
        name: subprocess.Popen(
            [sys.executable, sys.argv[0], "--serve", name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for name in names
    }

    def ask(name: str, command: str, path: str) -> float:
        worker = workers[name]
        worker.stdin.write(f"{command} {path}\n")  # type: ignore[union-attr]
        worker.stdin.flush()  # type: ignore[union-attr]
        return float(json.loads(worker.stdout.readline()))  # type: ignore[union-attr]

    for path in paths:
        ratios: dict[str, list[float]] = {name: [] for name in names}
        for _ in range(ROUNDS):
            base = ask(base_name, "time", path)
            for name in names:
                ratios[name].append(base / (base if name == base_name else ask(name, "time", path)))
        print(f"\n{path}\n{'':18}{f'time, {base_name} = 1':>14}{'Python calls':>14}")
        for name in names:
            middle = sorted(ratios[name])[ROUNDS // 2]
            print(f"{name:18}{middle:>14.2f}{int(ask(name, 'calls', path)):>14}")
    for worker in workers.values():
        worker.stdin.close()  # type: ignore[union-attr]
        worker.wait()


def main(description: str | None, apps: Apps, paths: Sequence[str]) -> None:
    """Run the program.

    Args:
        description: What it prints as its help.
        apps: What makes each application, by its name; the first one is the measure of the others.
        paths: What is asked for; with ``POST`` in front of it by that method.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--instructions", action="store_true", help="count machine instructions with valgrind")
    parser.add_argument("--only", nargs="+", choices=apps, default=list(apps), help="some of the frameworks")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    parser.add_argument("--repeat", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(apps, paths, options.serve)
    elif options.repeat:
        repeat(apps, options.repeat[0], options.repeat[1], int(options.repeat[2]))
    elif options.instructions:
        if shutil.which("valgrind") is None:
            parser.error("--instructions needs valgrind, which is not installed.")
        for path in paths:
            print(f"\n{path}\n{'':18}{'instructions':>14}")
            for name in options.only:
                print(f"{name:18}{instructions(name, path):>14,}", flush=True)
    else:
        first = next(iter(apps))
        compare(paths, [first, *(name for name in options.only if name != first)])
