"""A terminal for programs that ask: hidden input is read from the terminal and not from standard input."""

import subprocess
import sys
from pathlib import Path

# In a process of its own, because a fork of a process with threads is not safe.
_IN_TERMINAL = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"


def converse(
    command: list[str], cwd: Path, variables: dict[str, str], answers: list[tuple[str, str]]
) -> tuple[int, str]:
    """Run a program in a terminal and answer its questions.

    Args:
        command: The program.
        cwd: The folder to run it in.
        variables: Its environment.
        answers: What to wait for and what to type then, in turn.

    Returns:
        The exit code and everything that was shown.
    """
    process = subprocess.Popen(
        [sys.executable, "-c", _IN_TERMINAL, *command],
        cwd=cwd,
        env=variables,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        bufsize=0,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    shown = b""
    with process.stdin, process.stdout:
        for question, answer in answers:
            seen = len(shown)
            while question.encode() not in shown[seen:]:
                block = process.stdout.read(1024)
                assert block, f"{question!r} was not asked:\n{shown.decode()}"
                shown += block
            process.stdin.write(f"{answer}\n".encode())
        shown += process.stdout.read()
    return process.wait(), shown.decode()
