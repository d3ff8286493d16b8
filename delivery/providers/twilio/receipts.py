"""What Twilio posts to us: status callbacks and incoming texts, verified and then read.

https://www.twilio.com/docs/messaging/guides/track-outbound-message-status,
https://www.twilio.com/docs/messaging/guides/webhook-request.
"""

import re

from delivery.errors import Failure
from delivery.providers import forms
from delivery.providers.base import BadCallback, Callback, InboundText, ProviderConfig, Receipt
from delivery.providers.twilio import codes, signature
from delivery.providers.twilio.account import tokens
from delivery.states import Status

#: An empty TwiML document: taken, and nothing to reply.
INBOUND_ANSWER = ("text/xml", b'<?xml version="1.0" encoding="UTF-8"?><Response/>')

STATUSES: dict[str, Status] = {
    "accepted": Status.ACCEPTED,
    "scheduled": Status.ACCEPTED,
    "queued": Status.ACCEPTED,
    "sending": Status.ACCEPTED,
    "sent": Status.SENT,
    "failed": Status.FAILED,
    "undelivered": Status.UNDELIVERED,
    "partially_delivered": Status.UNDELIVERED,
    # Somebody withdrew it in Twilio's console: it was taken and given up.
    "canceled": Status.FAILED,
    "delivered": Status.DELIVERED,
    "read": Status.READ,
}

_BAD_NEWS = frozenset({Status.FAILED, Status.UNDELIVERED})
_SID = re.compile(r"[A-Za-z0-9]{2,64}")
# A number, a short code, or the name of a business. Twilio puts the channel before it: rcs:+15005550006.
_WRITER = re.compile(r"\+?[0-9]{3,15}|[A-Za-z0-9 ]{1,11}")
_FORM_TYPE = "application/x-www-form-urlencoded"
_LARGEST_POST = 256 * 1024
_MOST_FIELDS = 200
# The longest SMS that can be: 255 parts of 153 characters.
_LONGEST_BODY = 39_015
_OPT_OUT = frozenset({"STOP", "START", "HELP"})


def receipt(sid: str, status: Status, code: int | str | None) -> Receipt:
    """One of Twilio's states as evidence. A code counts only beside bad news."""
    if status not in _BAD_NEWS:
        return Receipt(sid, status)
    known = codes.meaning(code)
    failure = known.failure if known else Failure.UNKNOWN
    if failure is Failure.EXPIRED:
        status = Status.EXPIRED
    text = str(code or "")
    text = text if text.isascii() and text.isdecimal() else ""
    return Receipt(sid, status, failure, text, slows=known.slows if known else None)


def parse_receipts(callback: Callback, config: ProviderConfig) -> list[Receipt]:
    """The receipt of a status callback; none for a state that we do not know. Raises BadCallback."""
    form = _verified(callback, config)
    sid = form.get("MessageSid") or form.get("SmsSid") or ""
    state = form.get("MessageStatus") or form.get("SmsStatus") or ""
    if not _SID.fullmatch(sid) or not state:
        raise BadCallback("There is no MessageSid or no MessageStatus.", status=400)
    status = STATUSES.get(state)
    return [] if status is None else [receipt(sid, status, form.get("ErrorCode", "")[:20])]


def parse_inbound(callback: Callback, config: ProviderConfig) -> InboundText:
    """An incoming text. Raises BadCallback."""
    form = _verified(callback, config)
    sid = form.get("MessageSid") or form.get("SmsSid") or ""
    writer = form.get("From", "").rpartition(":")[2]
    recipient = form.get("To", "").rpartition(":")[2]
    if not _SID.fullmatch(sid) or not _WRITER.fullmatch(writer) or not _WRITER.fullmatch(recipient):
        raise BadCallback("There is no MessageSid, or no usable From or To.", status=400)
    opt_out = form.get("OptOutType", "").upper()
    return InboundText(
        provider_message_id=sid,
        phone=writer,
        recipient=recipient,
        # Postgres keeps no NUL.
        body=form.get("Body", "").replace("\0", "")[:_LONGEST_BODY],
        opt_out_type=opt_out if opt_out in _OPT_OUT else "",
    )


def _verified(callback: Callback, config: ProviderConfig) -> dict[str, str]:
    """The fields of a form post that is really Twilio's: all of them are signed, whatever they are."""
    headers = callback.headers
    if headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM_TYPE:
        raise BadCallback(f"The content type must be {_FORM_TYPE}.", status=400)
    if len(callback.body) > _LARGEST_POST:
        raise BadCallback("The post is too large.", status=400)
    try:
        pairs = forms.decode(callback.body, most_fields=_MOST_FIELDS)
    except forms.BadForm as error:
        raise BadCallback(str(error), status=400) from None
    if not signature.verify_form(
        url=f"{callback.url}?{callback.query}" if callback.query else callback.url,
        pairs=pairs,
        signature=headers.get(signature.HEADER, ""),
        tokens=tokens(config),
        settings=headers.get(signature.SETTINGS_HEADER, ""),
    ):
        raise BadCallback(
            "The signature is missing or not Twilio's. Is PUBLIC_URL the address that Twilio calls, "
            "and the auth token the account's present one?"
        )
    return dict(pairs)
