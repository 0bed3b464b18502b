"""What one request costs: time as a ratio to raw WSGI, Python calls, and with --instructions machine instructions."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from apps import APPS, PATHS
from measure import main

if __name__ == "__main__":
    main(__doc__, APPS, PATHS)
