"""What the admin asks the database: a page of rows, one row, and how many there are."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import RelationshipDirection, Session, joinedload, selectinload
from sqlalchemy.orm.interfaces import ORMOption

from lback.admin import columns
from lback.admin.model_admin import ModelAdmin
from lback.core.exceptions import BadRequest
from lback.models.pagination import Page

PAGE_SIZES = (20, 50, 100)
MAX_SEARCH = 200
_OWN_PARAMETERS = ("q", "page", "per_page", "sort_by", "sort_order")


@dataclass(frozen=True, slots=True)
class ListQuery:
    """What a visitor asks of a list: all of it comes from the address, and all of it was checked by `parse`."""

    search: str = ""
    sort_by: str = ""
    descending: bool = False
    page: int = 1
    per_page: int = 20
    default_per_page: int = 20
    filters: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, described: ModelAdmin, parameters: Mapping[str, str]) -> "ListQuery":
        """Read the query string of a list.

        Raises:
            BadRequest: A parameter that the list doesn't have, such as a filter by a column that is not offered, or a
                value that doesn't fit.
        """
        filters = {name: value for name, value in parameters.items() if name not in _OWN_PARAMETERS and value}
        for name, value in filters.items():
            if name not in described.filters or value not in columns.choices_of(_attribute(described, name)):
                raise BadRequest("The list can't be narrowed by that. Use the filters that the page offers.")
        sort_by = parameters.get("sort_by", "")
        if sort_by and sort_by not in described.sortable:
            raise BadRequest("The list can't be sorted by that. Use the headings of its columns.")
        order = parameters.get("sort_order", "asc") or "asc"
        if order not in ("asc", "desc"):
            raise BadRequest("The sort order is asc or desc.")
        return cls(
            search=" ".join(parameters.get("q", "").replace("\x00", "").split())[:MAX_SEARCH],
            sort_by=sort_by,
            descending=order == "desc",
            page=_number(parameters.get("page", "1"), "page"),
            per_page=_page_size(described, parameters.get("per_page")),
            default_per_page=described.per_page,
            filters=filters,
        )

    @property
    def narrowed(self) -> bool:
        """Whether the list shows less than everything."""
        return bool(self.search or self.filters)

    def pairs(self) -> list[tuple[str, str]]:
        """Return the parameters of the address, without those that say what would be so anyway."""
        return [
            (name, value)
            for name, value in (
                ("q", self.search),
                *self.filters.items(),
                ("sort_by", self.sort_by),
                ("sort_order", "desc" if self.sort_by and self.descending else ""),
                ("per_page", str(self.per_page) if self.per_page != self.default_per_page else ""),
                ("page", str(self.page) if self.page > 1 else ""),
            )
            if value
        ]

    def kept(self) -> list[tuple[str, str]]:
        """Return the parameters that a new search keeps."""
        return [(name, value) for name, value in self.pairs() if name not in ("q", "page")]

    def address(self, **changes: Any) -> str:
        """Return the query string of the same list with something changed; it begins anew on the first page."""
        return "?" + urlencode(replace(self, **{"page": 1, **changes}).pairs())

    def filtered(self, name: str, value: str) -> str:
        """Return the query string of the list narrowed by one more value; an empty one takes the filter away."""
        return self.address(filters={**{key: kept for key, kept in self.filters.items() if key != name}, name: value})


def list_page(session: Session, described: ModelAdmin, query: ListQuery) -> Page[Any]:
    """Return a page of rows. The number of statements does not depend on the number of rows.

    A page past the end is the last one: rows may have been deleted since the link was made.
    """
    conditions = list(_conditions(described, query))
    total = session.scalar(select(func.count()).select_from(described.model).where(*conditions)) or 0
    number = min(query.page, max(1, math.ceil(total / query.per_page)))
    if not total:
        return Page((), 0, 1, query.per_page)
    statement: Select[Any] = (
        select(described.model)
        .where(*conditions)
        .order_by(*_order(described, query))
        .options(*_loading(described))
        .limit(query.per_page)
        .offset((number - 1) * query.per_page)
    )
    return Page(session.scalars(statement).unique().all(), total, number, query.per_page)


def get_row(session: Session, described: ModelAdmin, key: str) -> Any | None:
    """Return the row whose key an address names, or None."""
    identity = columns.parse_key(described.model, key)
    return None if identity is None else session.get(described.model, identity)


def count_rows(session: Session, models: Iterable[ModelAdmin]) -> dict[str, int]:
    """Return the number of rows of each model by its name in the admin, in one statement."""
    counted = list(models)
    if not counted:
        return {}
    counts = (select(func.count()).select_from(one.model).scalar_subquery() for one in counted)
    row = session.execute(select(*(count.label(f"n{index}") for index, count in enumerate(counts)))).one()
    return {described.name: total for described, total in zip(counted, row, strict=True)}


def dependents(session: Session, described: ModelAdmin, instance: Any) -> list[tuple[str, int, bool]]:
    """Return what hangs on a row: the label, how many, and whether they are deleted with it."""
    found: list[tuple[str, int, bool]] = []
    for name, relationship in columns.relationships(described.model).items():
        if relationship.direction is not RelationshipDirection.ONETOMANY or relationship.viewonly:
            continue
        related = relationship.mapper.class_
        joined = [
            related_column == getattr(instance, relationship.parent.get_property_by_column(local).key)
            for local, related_column in relationship.local_remote_pairs or ()
        ]
        total = session.scalar(select(func.count()).select_from(related).where(and_(*joined))) or 0
        if total:
            found.append((columns.words(name), total, relationship.cascade.delete))
    return found


def _conditions(described: ModelAdmin, query: ListQuery) -> Iterator[ColumnElement[bool]]:
    for name, value in query.filters.items():
        _, chosen = columns.choices_of(_attribute(described, name))[value]
        yield getattr(described.model, name) == chosen
    if described.searched:
        for word in query.search.split():
            # Escaped: a percent sign is a percent sign, and no pattern of the visitor's keeps the database busy.
            yield or_(*(getattr(described.model, name).icontains(word, autoescape=True) for name in described.searched))


def _order(described: ModelAdmin, query: ListQuery) -> list[ColumnElement[Any]]:
    chosen = ((query.sort_by, query.descending),) if query.sort_by else described.order
    # The key at the end makes the order the same on every page.
    missing = tuple((key, False) for key in described.keys if key not in {name for name, _ in chosen})
    return [
        getattr(described.model, name).desc() if descending else getattr(described.model, name).asc()
        for name, descending in (*chosen, *missing)
    ]


def _loading(described: ModelAdmin) -> list[ORMOption]:
    """Load the relationships that the table shows along with the rows."""
    relations = columns.relationships(described.model)
    options: list[ORMOption] = []
    for name in described.columns:
        relationship = relations.get(name)
        if relationship is not None:
            attribute = getattr(described.model, name)
            single = relationship.direction is RelationshipDirection.MANYTOONE
            options.append(joinedload(attribute) if single else selectinload(attribute))
    return options


def _attribute(described: ModelAdmin, name: str) -> Any:
    return columns.column_attributes(described.model)[name]


def _number(text: str, name: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 18 or int(text) < 1:
        raise BadRequest(f"{name} is a whole number from 1 up.")
    return int(text)


def _page_size(described: ModelAdmin, text: str | None) -> int:
    if text is None:
        return described.per_page
    size = _number(text, "per_page")
    if size not in (*PAGE_SIZES, described.per_page):
        raise BadRequest(f"per_page is one of {', '.join(map(str, PAGE_SIZES))}.")
    return size
