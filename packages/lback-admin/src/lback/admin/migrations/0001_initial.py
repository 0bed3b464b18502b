"""Initial."""

import sqlalchemy as sa
from alembic import op

revision = "admin_0001_4d4b64"
down_revision = None
branch_labels = ("admin",)

# Revisions of other apps that are applied before this one.
requires: list[str] = ["auth_app_0001_e026e5"]
# The tables that this revision touches.
tables: list[str] = ["admin_log"]


def upgrade() -> None:
    op.create_table(
        "admin_log",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("username", sa.String(length=150), nullable=False),
        sa.Column("action", sa.String(length=10), nullable=False),
        sa.Column("model", sa.String(length=100), nullable=False),
        sa.Column("object_key", sa.String(length=255), nullable=False),
        sa.Column("object_label", sa.String(length=200), nullable=False),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_admin_log_user_id_users"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_admin_log")),
    )
    with op.batch_alter_table("admin_log", schema=None) as batch_op:
        batch_op.create_index("ix_admin_log_model_object_key", ["model", "object_key"], unique=False)
        batch_op.create_index(batch_op.f("ix_admin_log_user_id"), ["user_id"], unique=False)


def downgrade() -> None:
    op.drop_table("admin_log")
