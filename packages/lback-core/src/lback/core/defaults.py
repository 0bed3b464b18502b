"""The settings that lback-core reads, with their defaults. The type of a default is the type of the setting."""

from pathlib import Path
from typing import Any

MIDDLEWARES = [
    "lback.middlewares.static_files.StaticFilesMiddleware",
    "lback.middlewares.session.SessionMiddleware",
    "lback.middlewares.csrf.CSRFMiddleware",
    "lback.middlewares.security_headers.SecurityHeadersMiddleware",
]

DEFAULTS: dict[str, Any] = {
    "BASE_DIR": Path(),
    "PROJECT_NAME": "",
    "DEBUG": False,
    "ALLOW_DEBUG": False,
    "SECRET_KEY": "",
    "SECRET_KEY_FALLBACKS": [],
    "ALLOWED_HOSTS": ["localhost", "127.0.0.1", "[::1]"],
    "TRUSTED_ORIGINS": [],
    "TRUSTED_PROXIES": 0,
    "INSTALLED_APPS": [],
    "MIDDLEWARES": MIDDLEWARES,
    "ROOT_URLCONF": "",
    "STATIC_URL": "/static/",
    "STATIC_ROOT": None,
    "STATIC_DIRS": [],
    "CACHE_URL": "memory://",
    "CACHE_PREFIX": "lback",
    "CACHE_MAX_ENTRIES": 10_000,
    "SESSION_STORE": "",
    "SESSION_COOKIE_NAME": "session_id",
    "SESSION_TIMEOUT_MINUTES": 30,
    "SESSION_LIFETIME_HOURS": 12,
    "LOGIN_URL": "/auth/login/",
    "LOCALE": "en",
    "SECURITY_HEADERS": {},
    "MAX_REQUEST_BODY_SIZE": 10 * 1024 * 1024,
    "MAX_FORM_FIELDS": 1000,
    "MAX_FORM_FILES": 100,
    "MAX_FORM_FIELD_SIZE": 500 * 1024,
    "UPLOAD_FOLDER": "media/uploads",
    "UPLOAD_URL": "/media/uploads/",
    "UPLOAD_ALLOWED_TYPES": None,
    "UPLOAD_MAX_SIZE_MB": None,
    "UPLOAD_MEMORY_LIMIT": 256 * 1024,
}
