"""How Twilio refuses, as data: codes, HTTP statuses and words.

Codes: https://www.twilio.com/docs/api/errors, where each has its page. The words are ours. The statuses are those that
the SDKs meet; no page gives that of 30409 and of 20009, which are taken for conflicts.
"""

from typing import Any

from delivery.errors import Suppressed

PAGE = "https://www.twilio.com/docs/errors/{code}"

#: Code → HTTP status, and what is said where nothing more exact is known.
REFUSALS: dict[int, tuple[int, str]] = {
    20001: (400, "A parameter is not valid."),
    20003: (401, "The account sid or key sid, or its token or secret, is not valid."),
    20004: (405, "This method is not allowed here."),
    20009: (409, "The message is still under way: it can be redacted or deleted at its end."),
    20403: (403, "The API key behind these credentials lacks a scope for this."),
    20404: (404, "There is no such resource."),
    20413: (413, "The body is too large."),
    20429: (429, "This API key has made all the requests that it may make for now."),
    20500: (500, "Something went wrong here. Nothing of the request was done."),
    20503: (503, "The hub cannot store anything at the moment. Nothing of the request was done."),
    21211: (400, "To is not a number that can be texted."),
    21212: (400, "From is not a number, a short code or a name."),
    21266: (400, "To and From are the same number."),
    21408: (400, "Nothing leads to the country of this number."),
    21602: (400, "There is no Body."),
    21603: (400, "There is neither a From nor a MessagingServiceSid."),
    21604: (400, "There is no To."),
    21606: (400, "From is not one of the senders of this login."),
    21609: (400, "StatusCallback is not an address that can be called."),
    21610: (400, "The recipient may not be texted: they have opted out, or staff have suppressed the number."),
    21612: (400, "This message cannot go to this number now."),
    21617: (400, "The Body is longer than 1600 characters."),
    21620: (400, "Media cannot be sent by this hub; leave out MediaUrl."),
    21655: (400, "Content templates are not known to this hub; send a Body."),
    21701: (400, "This is not the messaging service of this login."),
    30409: (409, "The message cannot be canceled: it is being sent, or has come to its end."),
    35111: (400, "ScheduleType needs a SendAt."),
    35114: (400, "SendAt must be a time (ISO 8601, with its zone) from now to 35 days ahead."),
}

#: Why the hub will not send at all → what the create is refused with.
OF_SUPPRESSION: dict[str, int] = {
    Suppressed.OPTED_OUT: 21610,
    Suppressed.MANUAL: 21610,
    Suppressed.INVALID_NUMBER: 21211,
    Suppressed.NO_SENDER: 21408,
}


class Refused(Exception):
    """The request is answered with this code. The text is for whoever called, and never repeats a number or a Body."""

    def __init__(self, code: int, message: str = "") -> None:
        self.code = code
        self.status, usual = REFUSALS[code]
        self.message = message or usual
        super().__init__(self.message)

    @property
    def document(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "message": self.message,
            "more_info": PAGE.format(code=self.code),
            "status": self.status,
        }
