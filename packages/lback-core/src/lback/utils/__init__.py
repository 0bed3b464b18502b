"""Short names for what views and urls.py files use most."""
