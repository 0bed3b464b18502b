"""Recognising SQL that somebody put into a value: an alarm, not a protection.

What protects from SQL injection are bound parameters, as SQLAlchemy uses them everywhere. What is recognised here tells
that somebody is trying, and an attack can be written in a way that is not recognised.

A value is cut into tokens as a database would, once as it stands and once for each kind of quote in it as if it stood
between two of them. Each token is a letter, so that a value is a short text, its shape: ``x' OR 1=1 --`` between quotes
is ``s&n=nc``. Attacks are patterns over shapes; no word alone is one. That values are read in the contexts they may
stand in is an idea of libinjection (Nick Galbreath, 2012); the tokens and patterns are our own.
"""

import html
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

#: Of a longer text only the two ends are looked at, this many characters together.
MAX_TEXT = 16_384
#: How many characters, and how many texts, of one request are looked at.
MAX_TOTAL = 131_072
MAX_TEXTS = 10_000

# No alternative can fail late: what is not closed goes on to the end. So the time grows with the length alone.
_TOKEN = re.compile(
    r"""
      (?P<space> \s+ | /\*!\d* | \*/ | /\*.*?\*/ | (?:--|\#)[^\n]*\n )
    | (?P<comment> (?:--|\#).* | /\*.* )
    | (?P<string> '[^']*'? | "[^"]*"? | `[^`]*`? )
    | (?P<number> 0x[0-9a-f]+ | (?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:e[+-]?[0-9]+)? )
    | (?P<word> @{0,2}[\w$]++(?:(?:\.\.?|:)[\w$]++)*+ \(? )
    | (?P<comparison> <=> | [<>!=]= | <> | [<>=] | := )
    | (?P<sign> \|\| | && | [*();,!] )
    | (?P<operator> :: | [-+/%^|&~] )
    | .
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)

# The letters of a shape: s string, S the last string when nothing closes it, n number and other literals, v variable,
# w word, f function, z function that waits or reaches out, = comparison, + operator, & logic, | bars, c short comment,
# k comment. Signs stand for themselves. The letters of keywords are in this table.
_KEYWORDS = {
    "&": "and or xor",
    "N": "not binary",
    "=": "like rlike regexp ilike glob",
    "i": "in is between",
    "+": "div mod",
    "n": "null true false",
    "U": "union except intersect",
    "A": "all distinct top",
    "e": "select",
    "F": "from",
    "W": "where having",
    "G": "order group",
    "B": "by",
    "P": "procedure",
    "Y": "analyse analyze",
    "C": "case",
    "H": "when",
    "D": "insert delete drop create alter truncate replace",
    "O": "into table database schema view index function procedure trigger role user",
    "u": "update",
    "t": "set",
    "x": "exec execute call waitfor declare shutdown begin",
    "d": "delay",
    "I": "if iif",
    "y": "as",
}
_LETTERS = {word: letter for letter, words in _KEYWORDS.items() for word in words.split()}
# Functions that make a database wait, fail with a message, or reach for a file or another host.
_TELLING = frozenset(
    {
        "benchmark",
        "dbms_lock.sleep",
        "dbms_pipe.receive_message",
        "extractvalue",
        "load_file",
        "pg_sleep",
        "randomblob",
        "sleep",
        "updatexml",
        "utl_http.request",
        "utl_inaddr.get_host_address",
    }
)

# What is an attack in any context.
_ANYWHERE = re.compile(
    "|".join(
        (
            r"UA?\(*e",  # UNION SELECT
            r"[;=+|&,*(]eA?(?:\((?!\))|[nsvfzC*]|[wO](?:[,F=]|$))",  # a query in the place of a value or statement
            r";D(?:[OF]|&D)",  # ;DROP TABLE
            r";uwt",  # ;UPDATE users SET
            r";x(?:[dvzfI]|$)",  # ;EXEC xp_cmdshell
            r"x(?:d[sSv]|I\()",  # WAITFOR DELAY '0:0:5'
            r";I\([(ns]",  # ;IF(1=1) ...
            r"[&|W][N(]*[ns]\)*=[N(]*[nsSCIf(]",  # OR 1=1
            r"[&W][N(]*[ns]N?i[ns]&[ns]",  # AND 1 BETWEEN 0 AND 2
            r"[&W][N(]*[fI]\((?:\)=|[N(]*n=|[sn]\)*=)",  # AND USER()=USER()
            r"[fI]\([N(]*n=[N(]*n",  # ELT(1=1, ...)
            r"C(?:[nsv]H[ns]|H[N(]*[nsvfz(])",  # CASE WHEN 1=1
            r"(?:^|[&=+|,;(*exHINWns])z\(",  # SLEEP(5)
            r"V",  # @@version
            r"PY\(",  # PROCEDURE ANALYSE(
        )
    )
)
# What is one as the whole value, where it stands for a number or a name.
_WHOLE = re.compile(
    r"[nw]?\)*(?:"
    r"&[N(]*[nswO]\)*=[(]*[nswO]\)*[ck]?"  # 1 or a=a
    r"|;?e\*[Fc]?w?[ck]?"  # ;SELECT *
    r"|\(n=n\)[*+][nsw]"  # (1=1)*price
    r"|GBn(?:,n)*[ck]"  # ORDER BY 1--
    r")"
)
# What is one behind the quote that ends the value in the statement.
_BEHIND_QUOTE = re.compile(
    r"s+\)*(?:"
    r";?c$"  # '--
    r"|;$"
    r"|[&|W][N(]*(?:[nsvwSO]\)*=|[ns]\)*[ck]|[fze])"  # ' OR name LIKE
    r"|&\(+w"
    r"|[|+]\(*[eCfzI]|\|(?:[sS]$|z)"  # '||(SELECT
    r"|=\(*(?:[sn]\)*[&|+ck]|[eC])"  # '='a' OR
    r"|GB[nw]"  # ' ORDER BY 1
    r"|x[zfd]"
    r"|;\(*[exDI]"
    r")"
)
# What is one behind a quote that is the first character of all.
_BEHIND_FIRST_QUOTE = re.compile(r"s+(?:w?;?c|&)")
# Nearly all values have nothing that an attack can't do without.
_HINT = re.compile(
    r"['\"`;=<>(|#*]|--|@@|\b(?:and|or|xor|union|except|intersect|order|select|having|where)\b", re.IGNORECASE
)


def looks_like_sql_injection(text: str) -> bool:
    """Tell whether a text has the structure of an attack; in time that grows with its length alone.

    Args:
        text: One value as the application gets it, decoded.
    """
    if text.isalnum():
        return False
    if len(text) > MAX_TEXT:
        text = f"{text[: MAX_TEXT // 2]} {text[-MAX_TEXT // 2 :]}"
    if _is_attack(text):
        return True
    decoded = _decoded(text)
    return decoded != text and _is_attack(decoded)


def _is_attack(text: str) -> bool:
    if _HINT.search(text) is None:
        return False
    shape = _shape(text)
    if _ANYWHERE.search(shape) or _WHOLE.fullmatch(shape):
        return True
    for quote in "'\"`":
        if quote in text:
            shape = _shape(quote + text)
            if _ANYWHERE.search(shape) or _BEHIND_QUOTE.match(shape):
                return True
            if text.startswith(quote) and _BEHIND_FIRST_QUOTE.fullmatch(shape):
                return True
    return False


_BYTE = re.compile(r"(?:\\x|[\\%]u00)([0-9a-f]{2})", re.IGNORECASE)


def _decoded(text: str) -> str:
    """Return the text with the escapes resolved that an application may still resolve."""
    if "%" in text:
        text = unquote(text)
    if "&" in text:
        text = html.unescape(text)
    if "\\" in text or "%u" in text:
        text = _BYTE.sub(lambda match: chr(int(match[1], 16)), text)
    return text


def _shape(text: str) -> str:
    return "".join([_letter(match, match.lastgroup) for match in _TOKEN.finditer(text)])


def _letter(match: re.Match[str], kind: str | None) -> str:
    text = match[0]
    if kind == "word":
        return _word(text.lower())
    if kind == "string":
        return "s" if len(text) > 1 and text[-1] == text[0] else "S"
    if kind == "comment":
        remark = text.lstrip("-#/*").rstrip()
        return "c" if remark.isidentifier() or not remark.strip("-+;*/) ") else "k"
    if kind == "sign":
        return _SIGNS.get(text, text)
    return _KINDS.get(kind or "", "")


_KINDS = {"number": "n", "comparison": "=", "operator": "+"}
_SIGNS = {"||": "|", "&&": "&", "!": "N"}


def _word(word: str) -> str:
    if word[-1] == "(":
        name = word[:-1]
        letter = _LETTERS.get(name)
        if letter is None or letter in "DOtxA":  # REPLACE(...) is a function
            letter = "z" if name in _TELLING else "f"
        return f"{letter}("
    if word[0] == "@":
        return "V" if word[1] == "@" else "v"
    return _LETTERS.get(word) or ("z" if "xp_" in word or ("." in word and word in _TELLING) else "w")


def texts_in(document: Any) -> Iterator[str]:
    """Iterate over the texts in a JSON document, keys as well, however deep it is nested."""
    waiting = [document]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            waiting += item.values()
            yield from item
        elif isinstance(item, list):
            waiting += item
