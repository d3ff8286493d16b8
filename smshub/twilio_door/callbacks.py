"""What is posted to an application: the steps of a message and texts that came in, as Twilio's fields. No I/O.

Fields: https://www.twilio.com/docs/messaging/guides/outbound-message-status-in-status-callbacks and
https://www.twilio.com/docs/messaging/guides/webhook-request.
"""

from dataclasses import dataclass, field
from datetime import UTC

from contacts import phone
from delivery.models import Inbound
from delivery.segments import measure
from delivery.states import RANK, Status
from delivery.words import Fate, Heard
from smshub.twilio_door import resource
from smshub.twilio_door.logins import Login

Fields = dict[str, str]

#: What a step is remembered by: the rank of the status that it stands for.
_RANK: dict[str, int] = {
    "sent": RANK[Status.SENT],
    "failed": RANK[Status.FAILED],
    "undelivered": RANK[Status.UNDELIVERED],
    "delivered": RANK[Status.DELIVERED],
    "read": RANK[Status.READ],
    "canceled": RANK[Status.CANCELLED],
}
#: What an application has been told before it is told this.
_BEFORE: dict[str, tuple[str, ...]] = {
    "undelivered": ("sent",),
    "delivered": ("sent",),
    "read": ("sent", "delivered"),
}
_OPT_OUT_TYPE: dict[str, str] = {
    Inbound.Keyword.STOP: "STOP",
    Inbound.Keyword.START: "START",
    Inbound.Keyword.HELP: "HELP",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One post about a message."""

    rank: int
    fields: Fields = field(repr=False)


def steps(fate: Fate, login: Login) -> list[Step]:
    """The posts that are due, in their order: those that lead to the present status and were not made before."""
    if not fate.status:
        return []
    word = resource.status_of(fate.status, fate.reason)
    due = [each for each in (*_BEFORE.get(word, ()), word) if _RANK.get(each, 0) > fate.told]
    return [Step(_RANK[each], _of_status(each, fate, login)) for each in due]


def of_text(heard: Heard, text: str, login: Login) -> Fields:
    sid = resource.sid_of(heard.word.subject)
    fields = {
        "MessageSid": sid,
        "SmsSid": sid,
        "SmsMessageSid": sid,
        "AccountSid": login.account_sid,
        "From": heard.phone,
        "To": heard.recipient,
        "Body": text,
        "NumMedia": "0",
        "NumSegments": str(max(1, measure(text).segments)),
        "SmsStatus": "received",
        "ApiVersion": resource.API_VERSION,
    }
    for name, number in (("FromCountry", heard.phone), ("ToCountry", heard.recipient)):
        if number.startswith("+") and (country := phone.country(number)):
            fields[name] = country
    if heard.keyword in _OPT_OUT_TYPE:
        fields["OptOutType"] = _OPT_OUT_TYPE[heard.keyword]
    return fields


def _of_status(word: str, fate: Fate, login: Login) -> Fields:
    sid = resource.sid_of(fate.word.subject)
    fields = {
        "MessageSid": sid,
        "SmsSid": sid,
        "MessageStatus": word,
        "SmsStatus": word,
        "AccountSid": login.account_sid,
        "From": fate.sender,
        "To": fate.recipient,
        "ApiVersion": resource.API_VERSION,
    }
    if fate.said.get("service"):
        fields["MessagingServiceSid"] = login.service_sid
    if (code := resource.error_of(word, fate.reason)) is not None:
        fields["ErrorCode"] = str(code)
    if word in ("delivered", "undelivered") and fate.final_at:
        fields["RawDlrDoneDate"] = f"{fate.final_at.astimezone(UTC):%y%m%d%H%M}"
    return fields
