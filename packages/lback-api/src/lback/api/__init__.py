"""Tools for JSON APIs on SQLAlchemy models."""
