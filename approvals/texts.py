"""Field rules for free text: names, messages and reasons, and untrusted text on one line."""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from approvals.errors import FieldError

REQUEST_NAME_LIMIT = 64
DISPLAY_NAME_LIMIT = 120
MESSAGE_LIMIT = 2_000

# Refused in names and messages: they are not seen, or turn the direction of what is.
INVISIBLE = frozenset(
    map(
        chr,
        (
            *(0x00AD, 0x061C, 0x200B, 0x200E, 0x200F, 0x2060, 0xFEFF),
            *range(0x202A, 0x202F),
            *range(0x2066, 0x206A),
            *range(0xE0000, 0xE0080),
        ),
    )
)
# Letters, marks and signs without a picture of their own, which no category gives away.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_SEPARATORS = ("Zl", "Zp")


def request_name(value: object) -> str:
    """Return the name of a request: 1 to 64 ASCII letters and digits, exactly as typed.

    Raises FieldError with the codes of names and `name_char`; positions count from 1.
    """
    text = _name(value, REQUEST_NAME_LIMIT)
    char, position = _first(text, lambda char: not (char.isascii() and char.isalnum()))
    if char:
        raise FieldError(
            "name_char",
            "The name may contain only letters A-Z, a-z and digits"
            f" ({_code_point(char)} at position {position}).",
        )
    return text


def display_name(value: object) -> str:
    """Return the name of a person, customer or site: 1 to 120 code points, outer blanks trimmed.

    Otherwise as typed: no other form of Unicode. Raises FieldError with the codes of names.
    """
    text = _name(value, DISPLAY_NAME_LIMIT)
    if "=?" in text:
        raise FieldError("name_encoded_word", "The name may not contain '=?' sequences.")
    return text.strip()


def message(value: object) -> str | None:
    """Return an optional message of at most 2,000 code points; a missing or empty one is None.

    Line ends become LF, the text takes form NFC, blanks at its end go. Raises FieldError with
    the codes of messages; positions count from 1, a line end as one.
    """
    return None if value is None else _message(value) or None


def reason(value: object, why: str = "denying this request") -> str:
    """Return a message that must be there; *why* ends its sentence, an empty one leaves it bare.

    Raises FieldError as `message` does, and `reason_required` for a missing or empty text.
    """
    text = message(value)
    if text is None:
        what_for = f" for {why}" if why else ""
        raise FieldError("reason_required", f"Give a reason{what_for}.")
    return text


def inert(text: str) -> str:
    r"""Write untrusted text on one line of a terminal or log: nothing in it acts or hides.

    Line ends, controls and what cannot be seen become escapes such as \n, \x1b or \u202e. Doing
    it twice changes nothing more; a backslash that was typed stays, so it cannot be undone.
    """
    return "".join(_escaped(char) if _is_hidden(char) else char for char in text)


@dataclass(frozen=True)
class Required:
    """Marks a field that runs *check* even when it is missing, as if null had been sent.

    So a form without the field gets the sentence of its rule instead of a general one.
    """

    check: Callable[[object], object]

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        checked = core_schema.no_info_before_validator_function(self.check, handler(source))
        return core_schema.with_default_schema(checked, default=None, validate_default=True)


RequestName = Annotated[str, Required(request_name)]
DisplayName = Annotated[str, Required(display_name)]
Reason = Annotated[str, Required(reason)]
Message = Annotated[str | None, BeforeValidator(message)]


def _name(value: object, limit: int) -> str:
    text = "" if value is None else _text(value, "name")
    if len(text) > limit:
        raise FieldError(
            "name_too_long", f"The name is {len(text)} characters; the limit is {limit}."
        )
    if _is_empty(text):
        raise FieldError("name_empty", "Enter a name for the request.")
    char, position = _first(text, _is_control)
    if char:
        raise FieldError(
            "name_control_char",
            f"The name contains a line break or control character at position {position}."
            " Use one line of plain text.",
        )
    char, position = _first(text, INVISIBLE.__contains__)
    if char:
        raise FieldError(
            "name_invisible_char",
            "The name contains an invisible or direction-changing character"
            f" ({_code_point(char)}) at position {position}.",
        )
    return text


def _message(value: object) -> str:
    text = _text(value, "message").replace("\r\n", "\n").replace("\r", "\n")
    _require_message_length(text)
    if _is_empty(text):
        return ""
    char, position = _first(text, lambda char: _is_control(char) and char not in "\n\t")
    if char:
        raise FieldError(
            "message_control_char",
            f"The message contains a control character ({_code_point(char)})"
            f" at position {position}.",
        )
    char, position = _first(text, INVISIBLE.__contains__)
    if char:
        raise FieldError(
            "message_invisible_char",
            f"The message contains a direction-changing character ({_code_point(char)})"
            f" at position {position}.",
        )
    normal = unicodedata.normalize("NFC", text).rstrip()
    # A few letters grow in NFC: what is stored must pass this same rule when it is read again.
    _require_message_length(normal)
    return normal


def _require_message_length(text: str) -> None:
    if len(text) > MESSAGE_LIMIT:
        raise FieldError(
            "message_too_long",
            f"The message is {len(text)} characters; the limit is {MESSAGE_LIMIT}.",
        )


def _text(value: object, field: str) -> str:
    if not isinstance(value, str):
        raise FieldError(f"{field}_not_text", f"The {field} must be text.")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise FieldError(
            f"{field}_bad_unicode", f"The {field} is not valid Unicode text."
        ) from None
    return value


def _is_empty(text: str) -> bool:
    return all(
        unicodedata.category(char)[0] in "ZC"
        and (unicodedata.category(char) != "Cc" or char in "\t\n\r")
        for char in unicodedata.normalize("NFC", text)
    )


def _is_control(char: str) -> bool:
    return unicodedata.category(char) in ("Cc", *_SEPARATORS)


def _is_hidden(char: str) -> bool:
    category = unicodedata.category(char)
    return category[0] == "C" or category in _SEPARATORS or char in _BLANK


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


def _first(text: str, is_bad: Callable[[str], bool]) -> tuple[str, int]:
    """Return the first bad character and its position from 1, or an empty text and 0."""
    return next(
        ((char, position) for position, char in enumerate(text, start=1) if is_bad(char)), ("", 0)
    )


def _code_point(char: str) -> str:
    return f"U+{ord(char):04X}"
