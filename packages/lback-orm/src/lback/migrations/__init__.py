"""Per-app migrations on Alembic: what changed, in which order it is applied, and the commands."""
