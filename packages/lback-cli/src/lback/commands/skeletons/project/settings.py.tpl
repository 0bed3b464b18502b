"""The settings of $name.

Four sources, later ones win: .env, config.json, this file, and the environment of the process. Secrets belong in .env.
"""

from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent
PROJECT_NAME = "$name"
ROOT_URLCONF = "$name.urls"

# The names under which the site may be asked for; add yours before you deploy.
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
# What links in mails begin with, once the site has an address.
# SITE_URL = "https://example.org"

# The apps of this project, by the names of their folders, and those of installed packages.
INSTALLED_APPS = [$apps]

# A request passes these from the first to the last, its response from the last to the first.
MIDDLEWARES = [$middlewares]

STATIC_URL = "/static/"
STATIC_DIRS = [BASE_DIR / "static"]
