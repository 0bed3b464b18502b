"""Template filters of the framework."""

import re
from collections.abc import Collection

from markupsafe import Markup, escape

# What nh3 needs for a text grows with the square of its ampersands, of tags inside each other, and of the attributes of
# a tag. A text with more is escaped as a whole instead; words count as attributes, which only a parser tells apart.
MOST_AMPERSANDS = 50_000
MOST_TAGS = 10_000
MOST_WORDS = 50_000

_WORD = re.compile(r"""[^\s/"']+""")


def sanitize(html: object, tags: Collection[str] | None = None) -> Markup:
    """Return HTML that somebody else wrote, without whatever could run, load a style or pass for the site's own.

    A text of 50,000 words or ampersands, or 10,000 tags, is not cleaned but escaped as a whole.

    Args:
        html: The HTML, such as what a rich-text editor sent; it is cleaned even if it is marked as safe. None is empty.
        tags: The tags that are kept, without their attributes but for links; those that format text unless given.

    Example:
        ``{{ article.body|sanitize }}`` or ``{{ comment|sanitize(["b", "i", "a"]) }}``
    """
    import nh3

    text = "" if html is None else str(html)
    if _takes_too_long(text):
        return escape(text)
    # nh3 parses as browsers do, so what it keeps is read by them in the same way.
    return Markup(nh3.clean(text) if tags is None else nh3.clean(text, tags=set(tags)))  # noqa: S704 - cleaned


def _takes_too_long(text: str) -> bool:
    if text.count("&") > MOST_AMPERSANDS or text.count("<") > MOST_TAGS:
        return True
    return len(text) > MOST_WORDS and "<" in text and sum(1 for _ in _WORD.finditer(text)) > MOST_WORDS
