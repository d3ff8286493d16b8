"""Vonage's error codes, as data: what each means in our taxonomy, and in words.

An error is a problem document (RFC 7807) whose `type` ends in its code, as in
https://developer.vonage.com/api-errors/messages#1120. Sources: https://developer.vonage.com/en/api-errors/messages
for the numbers, https://developer.vonage.com/en/api-errors for the names. Which of them come as the answer to a
create and which in a receipt is nowhere said: the table serves both.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from delivery.errors import Failure
from delivery.providers.base import Outcome, Slows

_PAGE_OF_NUMBERS = "https://developer.vonage.com/en/api-errors/messages"
_PAGE_OF_NAMES = "https://developer.vonage.com/en/api-errors"
_CODE = re.compile(r"[0-9]{4}|[a-z][a-z-]{2,39}")


@dataclass(frozen=True, slots=True)
class Meaning:
    words: str
    failure: Failure
    outcome: Outcome = Outcome.REJECTED
    """When it is the answer to a create."""
    retry_after: float | None = None
    """Seconds; only with THROTTLED."""
    slows: Slows | None = None
    """The limit of ours that it shows to be too high."""


def _refused(failure: Failure, words: str) -> Meaning:
    return Meaning(words, failure)


def _account(words: str) -> Meaning:
    """The account's trouble, not the message's: nothing is burnt, all wait until somebody has seen to it."""
    return Meaning(words, Failure.ACCOUNT, Outcome.THROTTLED, 300.0)


def _slow(seconds: float, failure: Failure, words: str) -> Meaning:
    return Meaning(words, failure, Outcome.THROTTLED, seconds)


#: Vonage's own word. INVALID_NUMBER and OPTED_OUT suppress the number for good, so they stand only where the
#: code says so of the number itself.
REFUSALS: dict[str, Meaning] = {
    "1000": Meaning("Faster than the account allows", Failure.THROTTLED, Outcome.THROTTLED, 1.0, Slows.ACCOUNT),
    "1010": _refused(Failure.UNKNOWN, "A parameter is missing"),
    "1020": _refused(Failure.UNKNOWN, "A parameter is not valid"),
    # It does not say how far the request had come.
    "1030": Meaning("Trouble inside Vonage", Failure.CARRIER, Outcome.UNCERTAIN),
    "1040": _refused(Failure.UNKNOWN, "Vonage could not make anything of the message, perhaps of the number's prefix"),
    "1050": _refused(Failure.BLOCKED, "The number is barred at Vonage"),
    "1060": _account("The account is barred"),
    "1070": _account("The account's credit is used up"),
    "1080": _account("The account may not send over HTTP"),
    "1090": _refused(Failure.CONTENT, "The text is too long"),
    "1100": _slow(5.0, Failure.CARRIER, "Vonage could not hand the message in"),
    "1110": _account("Vonage does not accept the signature"),
    "1120": _refused(Failure.SENDER, "The sender is not allowed at the destination"),
    "1130": _refused(Failure.UNKNOWN, "The validity is not allowed"),
    "1140": _refused(Failure.DESTINATION, "Something that is not enabled on the account"),
    "1160": _refused(Failure.DESTINATION, "A trial account may only text numbers on its list"),
    "1170": _refused(Failure.INVALID_NUMBER, "Not a valid phone number"),
    "low-balance": _account("The account's credit is used up"),
    "unauthorized": _account("Vonage does not accept the credentials"),
    "not-found": _account("There is no Messages API at this address"),
    "forbidden": _account("The account may not do this"),
    "unprovisioned": _account("The credentials have no access to the Messages API"),
    "account-suspended": _account("The account is suspended"),
    "invalid-api-key": _account("Vonage does not know this account"),
    "invalid-signature": _account("Vonage does not accept the signature"),
    "invalid-ip": _account("The account does not allow requests from this address"),
}

#: The carrier's word, which receipts bring.
FAILURES: dict[str, Meaning] = {
    "1180": _refused(Failure.UNREACHABLE, "The handset is off or out of reach"),
    "1190": _refused(Failure.INVALID_NUMBER, "The number is no longer in use"),
    "1200": _refused(Failure.UNREACHABLE, "The number has changed carrier and cannot be reached"),
    "1210": _refused(Failure.FILTERED, "Filtered by the carrier"),
    "1220": _refused(Failure.UNREACHABLE, "The handset was busy"),
    "1230": _refused(Failure.CARRIER, "The carrier's network failed"),
    "1240": _refused(Failure.OPTED_OUT, "The recipient has opted out of this sender"),
    "1241": _slow(60.0, Failure.THROTTLED, "Too many texts to the number"),
    "1250": _refused(Failure.DESTINATION, "There is no route from this sender to the number"),
    "1260": _refused(Failure.UNREACHABLE, "The number cannot be reached"),
    "1270": _refused(Failure.FILTERED, "Held back by the carrier for the recipient's age"),
    "1280": _refused(Failure.BLOCKED, "Blocked by the carrier"),
    "1290": _refused(Failure.BLOCKED, "The recipient's prepaid account is empty"),
    "1300": _refused(Failure.UNREACHABLE, "The number is not in the carrier's network"),
    "1310": _refused(Failure.UNREACHABLE, "The handset cannot take the message"),
    # To a create it would say that another one had arrived.
    "1320": Meaning("The message had been sent already", Failure.UNKNOWN, Outcome.UNCERTAIN),
    "1330": _refused(Failure.UNKNOWN, "The carrier gave no reason; the number may not exist"),
    "1360": _refused(Failure.EXPIRED, "Not delivered within its validity"),
}

CODES: dict[str, Meaning] = REFUSALS | FAILURES
UNKNOWN = Meaning("A reason that is not in our table", Failure.UNKNOWN)

#: What an HTTP status says, where the problem's own code is not known…
BY_STATUS = {401: "unauthorized", 402: "low-balance", 403: "forbidden", 404: "not-found", 429: "1000"}
#: … and where there is no problem document at all. A 403 may be a firewall's word on one message.
PLAIN = frozenset(BY_STATUS) - {403}

#: A parameter that a refusal blames, where its code says no more than that one is not valid.
BLAMED: dict[str, Meaning] = {
    "to": _refused(Failure.INVALID_NUMBER, "Vonage does not take the number for one"),
    "from": _refused(Failure.SENDER, "Vonage does not take the sender for one"),
    "text": _refused(Failure.CONTENT, "The text is empty or longer than 1000 characters"),
    "webhook_url": _account("Vonage refuses the callback address; PUBLIC_URL must be a public URL"),
}


WORDS = tuple(meaning.words for meaning in (*CODES.values(), *BLAMED.values(), UNKNOWN))


def of(problem: Mapping[str, Any]) -> str:
    """The code of a problem of Vonage's; empty for anything else. Some webhooks have the number as title."""
    kind = problem.get("type")
    for text in (kind.rpartition("#")[2] if isinstance(kind, str) else "", str(problem.get("title"))):
        if _CODE.fullmatch(text):
            return text
    return ""


def explain(code: str) -> tuple[str, str]:
    """A code in words, and Vonage's page about it; empty for what is not one of Vonage's codes."""
    if not _CODE.fullmatch(code):
        return "", ""
    page = _PAGE_OF_NUMBERS if code.isdecimal() else _PAGE_OF_NAMES
    return CODES.get(code, UNKNOWN).words, f"{page}#{code}"
