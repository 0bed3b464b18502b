"""The views of the admin, by subject."""
