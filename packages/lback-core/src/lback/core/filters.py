"""Template filters of the framework."""

from collections.abc import Collection

from markupsafe import Markup, escape

# What nh3 needs for a text grows with the square of its ampersands. A text with more is escaped as a whole instead.
MOST_AMPERSANDS = 50_000


def sanitize(html: object, tags: Collection[str] | None = None) -> Markup:
    """Return HTML that somebody else wrote, without whatever could run, load a style or pass for the site's own.

    Args:
        html: The HTML, such as what a rich-text editor sent; it is cleaned even if it is marked as safe. None is empty.
        tags: The tags that are kept, without their attributes but for links; those that format text unless given.

    Example:
        ``{{ article.body|sanitize }}`` or ``{{ comment|sanitize(["b", "i", "a"]) }}``
    """
    import nh3

    text = "" if html is None else str(html)
    if text.count("&") > MOST_AMPERSANDS:
        return escape(text)
    # nh3 parses as browsers do, so what it keeps is read by them in the same way.
    return Markup(nh3.clean(text) if tags is None else nh3.clean(text, tags=set(tags)))  # noqa: S704 - cleaned
