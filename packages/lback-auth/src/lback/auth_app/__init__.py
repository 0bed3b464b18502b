"""The login, logout and registration pages, as an app for INSTALLED_APPS."""
