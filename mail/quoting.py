"""What people wrote, as it may stand in a mail: short, visible, and without a working link.

Mail programs turn much text into links by themselves. We write addresses the way security reports
do, ``https[:]//example[.]org``: every character can be seen, nothing can be clicked, and the
reader still learns what was meant.
"""

import re
from functools import lru_cache

from approvals.texts import INVISIBLE

TEXT_LIMIT = 300  # characters
QUOTE_LINES = 12
ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"

_UNSEEN = str.maketrans(dict.fromkeys(INVISIBLE, ""))
_BROKEN = re.compile("[\ud800-\udfff]")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_SCHEME = re.compile(
    r"\b(mailto|tel|sms|callto|file|data|javascript):(?=\S)|:(?=//)", re.IGNORECASE
)
# Any full stop that a name server takes for a dot, before a label that looks like a word.
_DOT = re.compile(r"(?<=[^\s.])[.\u3002\uff0e\uff61](?=[\w-]*[^\W\d_][^\s.,;:!?)\]\"'])")
_SHARE = re.compile(r"\\\\(?=\S)")  # \\host\share


@lru_cache(maxsize=1024)  # names come back in every mail
def inert(text: str) -> str:
    """Return at most 300 characters on one line: no control or invisible character, no link."""
    cut = text if len(text) <= TEXT_LIMIT else text[:TEXT_LIMIT] + ELLIPSIS
    return _unlinked(_seen(cut))


def quoted_lines(text: str) -> list[str]:
    """Return at most 300 characters of text on at most 12 lines, ended by an ellipsis if cut."""
    whole = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    lines = whole[:TEXT_LIMIT].split("\n")
    kept = [_seen(line) for line in lines[:QUOTE_LINES]]
    if len(whole) > TEXT_LIMIT or len(lines) > QUOTE_LINES:
        kept[-1] += ELLIPSIS
    return [_unlinked(line) for line in kept]


def _seen(text: str) -> str:
    whole = _BROKEN.sub("\N{REPLACEMENT CHARACTER}", text.translate(_UNSEEN))
    return " ".join(_CONTROL.sub(" ", whole).split())


def _unlinked(text: str) -> str:
    text = _SCHEME.sub(lambda found: f"{found[1] or ''}[:]", text)
    return _SHARE.sub(r"[\\\\]", _DOT.sub("[.]", text))
