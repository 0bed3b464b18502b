"""Run the test suite: python3 scripts/test.py [pytest options].

Makes an environment of its own first. Tests that need a service this machine lacks are skipped with the reason.
"""

import subprocess
import sys

from environment import ROOT, environment, say

REQUIREMENTS = (
    *("pytest>=8", "hypothesis>=6.100", "aiosmtpd>=1.4.6", "trustme>=1.2"),
    *("psycopg[binary]>=3.1", "alembic-postgresql-enum>=1.11", "PyMySQL>=1.1", "redis>=6"),
    "cryptography>=42",
)


def main() -> int:
    """Run the suite and return pytest's exit code."""
    programs = environment(".venv-test", REQUIREMENTS)
    say("Running the tests of the packages and of the whole framework")
    return subprocess.run([str(programs / "python"), "-m", "pytest", *sys.argv[1:]], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
