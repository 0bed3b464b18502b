"""The admin panel, as an app for INSTALLED_APPS."""
