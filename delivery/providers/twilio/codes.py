"""Twilio's error codes, as data: what each means in our taxonomy, and in words.

Source: https://www.twilio.com/docs/api/errors (each code has its page there). An HTTP status alone never
decides: 21611, a full queue of one sender, comes as 429 just as plain throttling does.
"""

from dataclasses import dataclass

from delivery.errors import Failure
from delivery.providers.base import Outcome, Slows

PAGE = "https://www.twilio.com/docs/api/errors/{code}"


@dataclass(frozen=True, slots=True)
class Meaning:
    words: str
    failure: Failure
    outcome: Outcome = Outcome.REJECTED
    """When it is the answer to a create. Codes that only receipts bring would mean a refusal there too."""
    retry_after: float | None = None
    """Seconds; only with THROTTLED."""
    slows: Slows | None = None
    """The limit of ours that it shows to be too high. Not where a limit of the day is used up, where two numbers text
    in circles, or where the carrier is congested whatever we send: going slower mends none of these."""


def _refused(failure: Failure, words: str, slows: Slows | None = None) -> Meaning:
    return Meaning(words, failure, slows=slows)


def _account(words: str) -> Meaning:
    """The account's trouble, not the message's: nothing is burnt, all wait until somebody has seen to it."""
    return Meaning(words, Failure.ACCOUNT, Outcome.THROTTLED, 300.0)


def _slow(seconds: float, words: str, slows: Slows | None = None) -> Meaning:
    return Meaning(words, Failure.THROTTLED, Outcome.THROTTLED, seconds, slows)


#: Answers to a create. The message never entered Twilio. INVALID_NUMBER and OPTED_OUT suppress the number for
#: good, so they stand only where the code says so of the number itself.
REFUSALS: dict[int, Meaning] = {
    10001: _account("The account is not active"),
    20001: _refused(Failure.UNKNOWN, "A parameter was not understood"),
    20003: _account("Twilio does not accept the credentials"),
    20005: _account("The account is not active"),
    20008: _account("Test credentials cannot do this"),
    20404: _account("Twilio does not know this account"),
    20429: _slow(1.0, "Too many requests at once", Slows.REQUESTS),
    21211: _refused(Failure.INVALID_NUMBER, "Not a valid phone number"),
    21212: _refused(Failure.SENDER, "The sender is not a valid number, short code or name"),
    21217: _refused(Failure.INVALID_NUMBER, "The number does not look valid"),
    21265: _refused(Failure.INVALID_NUMBER, "A short code cannot be texted"),
    21266: _refused(Failure.SENDER, "Recipient and sender are the same number"),
    21408: _refused(Failure.DESTINATION, "Texting this region is not enabled on the account"),
    21602: _refused(Failure.CONTENT, "The text is empty"),
    21603: _refused(Failure.SENDER, "There is no sender"),
    21604: _refused(Failure.UNKNOWN, "There is no recipient"),
    21605: _refused(Failure.CONTENT, "The text is too long"),
    21606: _refused(Failure.SENDER, "The sender is not a texting number of this account"),
    21608: _refused(Failure.DESTINATION, "A trial account texts verified numbers only"),
    21609: _account("Twilio refuses the callback address; PUBLIC_URL must be a public URL"),
    21610: _refused(Failure.OPTED_OUT, "The recipient has opted out of this sender"),
    21611: _slow(600.0, "The sender has hours of messages waiting at Twilio", Slows.SENDER),
    21612: _refused(Failure.DESTINATION, "This sender cannot reach this number"),
    21614: _refused(Failure.INVALID_NUMBER, "Not a mobile number"),
    21617: _refused(Failure.CONTENT, "The text is longer than 1600 characters"),
    21619: _refused(Failure.CONTENT, "There is neither text nor media"),
    21620: _refused(Failure.CONTENT, "A media address is not valid"),
    21623: _refused(Failure.CONTENT, "Too many media"),
    21635: _refused(Failure.LANDLINE, "A landline"),
    21655: _refused(Failure.CONTENT, "The content template does not exist"),
    21656: _refused(Failure.CONTENT, "The content template's variables are not valid"),
    21659: _refused(Failure.SENDER, "The sender is not a number of Twilio's"),
    21660: _refused(Failure.SENDER, "The sender belongs to another account"),
    21661: _refused(Failure.SENDER, "The sender cannot text"),
    21664: _refused(Failure.SENDER, "The fallback sender needs a messaging service with an RCS sender"),
    21666: _refused(Failure.SENDER, "The fallback sender is not valid"),
    21667: _refused(Failure.SENDER, "The fallback sender is not valid"),
    21701: _refused(Failure.SENDER, "The messaging service does not exist"),
    21703: _refused(Failure.SENDER, "The messaging service has no sender"),
    21704: _refused(Failure.SENDER, "The messaging service has no sender"),
    63038: _slow(3600.0, "The account's messages of the day are used up"),
}

#: What receipts bring. The message had been taken.
FAILURES: dict[int, Meaning] = {
    14107: _refused(Failure.THROTTLED, "Too many texts between the same two numbers"),
    30001: _refused(Failure.THROTTLED, "The sender's queue at Twilio is full", Slows.SENDER),
    30002: _refused(Failure.ACCOUNT, "The account was suspended"),
    30003: _refused(Failure.UNREACHABLE, "The handset is off or out of reach"),
    30004: _refused(Failure.BLOCKED, "Blocked by the carrier or the recipient"),
    30005: _refused(Failure.INVALID_NUMBER, "The handset is unknown or no longer in use"),
    30006: _refused(Failure.LANDLINE, "A landline, or a carrier that cannot be reached"),
    30007: _refused(Failure.FILTERED, "Filtered by the carrier"),
    30008: _refused(Failure.UNKNOWN, "The carrier gave no reason"),
    30010: _refused(Failure.ACCOUNT, "Dearer than the highest price allowed"),
    30017: _refused(Failure.CARRIER, "The carrier is congested"),
    30018: _refused(Failure.SENDER, "The destination wants the sender registered"),
    30022: _refused(Failure.THROTTLED, "Faster than the sender's 10DLC registration allows", Slows.SENDER_AND_PACE),
    30023: _refused(Failure.THROTTLED, "The sender's daily limit at the carrier is reached"),
    30024: _refused(Failure.SENDER, "The carrier does not know the sender"),
    30027: _refused(Failure.THROTTLED, "The brand's daily limit at T-Mobile is reached"),
    30032: _refused(Failure.SENDER, "The toll-free sender is not verified"),
    30034: _refused(Failure.SENDER, "The sender is not registered for 10DLC"),
    30036: _refused(Failure.EXPIRED, "Not sent within its validity"),
    30410: _refused(Failure.CARRIER, "The carrier did not answer in time"),
    30450: _refused(Failure.FILTERED, "Blocked as likely SMS pumping"),
    30610: _refused(Failure.BLOCKED, "The recipient is in quiet hours"),
    30640: _refused(Failure.BLOCKED, "The number is on a list of litigators"),
    63017: _refused(Failure.THROTTLED, "Too fast for the channel", Slows.SENDER),
    63018: _refused(Failure.THROTTLED, "Too fast for the channel", Slows.SENDER),
    63035: _refused(Failure.SENDER, "The RCS agent is not launched"),
    63036: _refused(Failure.UNREACHABLE, "The handset cannot be reached over RCS"),
}

CODES: dict[int, Meaning] = REFUSALS | FAILURES
UNKNOWN = Meaning("A reason that is not in our table", Failure.UNKNOWN)
WORDS = tuple(meaning.words for meaning in (*CODES.values(), UNKNOWN))


def meaning(code: int | str | None) -> Meaning | None:
    """What a code means; None for one that the table does not hold."""
    try:
        return CODES.get(int(code or 0))
    except ValueError:
        return None


def explain(code: str) -> tuple[str, str]:
    """A code in words, and Twilio's page about it; empty for what is not one of Twilio's codes."""
    if not (code.isascii() and code.isdecimal()):
        return "", ""
    return (meaning(code) or UNKNOWN).words, PAGE.format(code=code)
