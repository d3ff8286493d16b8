"""Numbers as somebody may see them: whole with the right to see numbers, else their country and their end.

About numbers alone. Names, and what was written to people, go by the right to see contacts: who answers people has to
know whom they speak to, and does not need a number to do so.
"""

import re
from typing import Protocol

from contacts.phone import calling_code

PERMISSION = "contacts.see_numbers"

#: Digits at the end that are shown, as long as at least _HIDDEN others are not: enough to tell two people apart by.
_SHOWN, _HIDDEN = 3, 4
_DOT = "•"
_digit = re.compile(r"\d")
#: As many digits as the shortest number has, whatever stands between them.
_numberish = re.compile(r"\+?\d(?:[ ().\-/]{0,3}\d){6,}")


class Looking(Protocol):
    """Whoever looks: a user, or nobody in particular."""

    def has_perm(self, perm: str, /) -> bool: ...


def may_see_people(user: Looking) -> bool:
    """Names, texts, and the page of somebody whose whole number one knows already."""
    return user.has_perm("contacts.view_contact")


def may_see_numbers(user: Looking) -> bool:
    return may_see_people(user) and user.has_perm(PERMISSION)


def shown(phone: str | None, user: Looking) -> str:
    """A number in E.164 as this user may see it; "" for one that was erased."""
    if not phone:
        return ""
    return phone if may_see_numbers(user) else masked(phone)


def masked(phone: str) -> str:
    """`+44 •••••••123`."""
    code = calling_code(phone)
    rest = phone.removeprefix("+").removeprefix(code)
    seen = min(_SHOWN, max(len(rest) - _HIDDEN, 0))
    hidden = len(rest) - seen
    return f"{f'+{code} ' if code else ''}{_DOT * hidden}{rest[hidden:]}"


def masked_within(text: str) -> str:
    """Free text with whatever may be a number in it masked: of its digits the last three stay."""
    return _numberish.sub(_hide, text)


def _hide(found: re.Match[str]) -> str:
    text = found.group()
    digits = len(_digit.findall(text))
    return _digit.sub(_DOT, text, count=max(digits - _SHOWN, _HIDDEN))
