"""The groups that every installation begins with; ``init_db`` makes them."""

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from lback.auth.managers import BASIC_GROUP
from lback.auth.models import Group
from lback.core.config import Config


def default_groups(session: Session, config: Config) -> Iterator[str]:
    """Make the default groups that are not there yet, without permissions; yield a line for each.

    They are the one whose members may do everything (``SUPERUSER_GROUP``) and ``basic_user``, for everybody else.
    """
    groups = {config.SUPERUSER_GROUP: "May do everything.", BASIC_GROUP: "Every registered user."}
    there = set(session.scalars(select(Group.name).where(Group.name.in_(groups))))
    for name, description in groups.items():
        if name and name not in there:
            session.add(Group(name=name, description=description))
            yield f"Made the group {name}."
