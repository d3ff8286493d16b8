"""Requests as fields: a form in UTF-8, of bounded size, in which a field stands once.

Twilio's SDKs send `application/x-www-form-urlencoded` and nothing else. A field that stands twice could mean either, so
it is refused; but for those of which several are meant, whose first is kept.
"""

from urllib.parse import parse_qsl

from django.http import HttpRequest

from smshub.api.parsers import unstorable
from smshub.twilio_door.refusals import Refused

#: A Body of 1600 characters, each of them twelve bytes in a form, has room several times over.
MAX_BYTES = 128 * 1024
MAX_FIELDS = 100
_LISTS = frozenset({"MediaUrl", "PersistentAction"})


def of_body(request: HttpRequest) -> dict[str, str]:
    """Raises Refused."""
    if request.content_type not in ("application/x-www-form-urlencoded", ""):
        raise Refused(20001, "Send application/x-www-form-urlencoded.")
    if _length(request) > MAX_BYTES:
        raise Refused(20413)
    body = request.body
    if len(body) > MAX_BYTES:
        raise Refused(20413)
    return fields(body.decode("ascii", "replace"))


def of_query(request: HttpRequest) -> dict[str, str]:
    """Raises Refused. The SDKs write `DateSent>` as the name of a field."""
    return fields(request.META.get("QUERY_STRING", ""))


def fields(text: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
    except ValueError:
        raise Refused(20001, f"This is no form of at most {MAX_FIELDS} fields in UTF-8.") from None
    found: dict[str, str] = {}
    for name, value in pairs:
        if unstorable(name) or unstorable(value):
            raise Refused(20001, "A field has a character that cannot be stored (NUL, or half of a surrogate pair).")
        if name in found and name not in _LISTS:
            raise Refused(20001, "A field stands twice.")
        found.setdefault(name, value)
    return found


def _length(request: HttpRequest) -> int:
    given = request.META.get("CONTENT_LENGTH") or "0"
    return int(given) if given.isdecimal() and len(given) < 12 else MAX_BYTES + 1
