"""The lback command and manage.py."""
