"""SQLAlchemy for Lback: the declarative base, engines and sessions, one database session a request."""
