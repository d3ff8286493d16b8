"""SMPP's codes, as data: what each means in our taxonomy, and in words.

command_status: SMPP 3.4 §5.1.3, table 5-2, whose sentence each entry gives in our words; states of a message: §5.2.28;
errors of a GSM network (network_error_code of type 3, §5.3.2.31): the local errors of MAP, 3GPP TS 29.002 §17.6.6.
Operators add codes of their own from 0x400 to 0x4FF; what these mean their own lists say.

A response with an error says that the message was not taken. Two errors do not say so clearly enough to send it again:
a system error and an unknown one may have struck after it was stored (`Account.retry_system_errors` is for operators
who say otherwise).
"""

from dataclasses import dataclass

from delivery.errors import Failure
from delivery.providers.base import Outcome, Slows
from delivery.smpp.constants import CommandStatus, MessageState, status_name
from delivery.states import Status

_SPECIFICATION = "https://smpp.org/SMPP_v3_4_Issue1_2.pdf"


@dataclass(frozen=True, slots=True)
class Meaning:
    words: str
    failure: Failure
    outcome: Outcome = Outcome.REJECTED
    """When it is the response to a submit."""
    retry_after: float | None = None
    """Seconds; only with THROTTLED."""
    slows: Slows | None = None


def _refused(failure: Failure, words: str) -> Meaning:
    return Meaning(words, failure)


def _account(words: str) -> Meaning:
    """The account's trouble, not the message's: nothing is burnt, all wait until somebody has seen to it."""
    return Meaning(words, Failure.ACCOUNT, Outcome.THROTTLED, 300.0)


def _passing(seconds: float, words: str) -> Meaning:
    return Meaning(words, Failure.CARRIER, Outcome.THROTTLED, seconds)


def _doubt(words: str) -> Meaning:
    return Meaning(words, Failure.CARRIER, Outcome.UNCERTAIN)


_S = CommandStatus

#: INVALID_NUMBER suppresses the number for good, so it stands only where the code speaks of the number itself.
STATUSES: dict[int, Meaning] = {
    _S.ESME_RINVMSGLEN: _refused(Failure.CONTENT, "The text is longer than the operator takes"),
    _S.ESME_RINVCMDLEN: _refused(Failure.UNKNOWN, "The operator could not read the request"),
    _S.ESME_RINVCMDID: _refused(Failure.UNKNOWN, "The operator does not know the command"),
    _S.ESME_RINVBNDSTS: _passing(5.0, "The bind does not allow this now"),
    _S.ESME_RALYBND: _passing(5.0, "The account is bound already as often as it may"),
    _S.ESME_RINVPRTFLG: _refused(Failure.UNKNOWN, "The priority is not allowed"),
    _S.ESME_RINVREGDLVFLG: _refused(Failure.UNKNOWN, "This kind of receipt is not allowed"),
    _S.ESME_RSYSERR: _doubt("Trouble inside the operator's system"),
    _S.ESME_RINVSRCADR: _refused(Failure.SENDER, "The operator does not take this sender"),
    _S.ESME_RINVDSTADR: _refused(Failure.INVALID_NUMBER, "The operator does not take the number for one"),
    _S.ESME_RINVMSGID: _refused(Failure.UNKNOWN, "The operator does not know this message"),
    _S.ESME_RBINDFAIL: _passing(30.0, "The operator refuses to bind, without a reason"),
    _S.ESME_RINVPASWD: _account("The operator does not accept the password"),
    _S.ESME_RINVSYSID: _account("The operator does not know the system id"),
    _S.ESME_RCANCELFAIL: _refused(Failure.UNKNOWN, "The message could not be cancelled"),
    _S.ESME_RREPLACEFAIL: _refused(Failure.UNKNOWN, "The message could not be replaced"),
    _S.ESME_RMSGQFUL: Meaning(
        "The operator's queue for the account is full", Failure.THROTTLED, Outcome.THROTTLED, 5.0, Slows.ACCOUNT
    ),
    _S.ESME_RINVSERTYP: _refused(Failure.UNKNOWN, "The service type is not allowed"),
    _S.ESME_RINVNUMDESTS: _refused(Failure.UNKNOWN, "The number of recipients is not allowed"),
    _S.ESME_RINVDLNAME: _refused(Failure.UNKNOWN, "The distribution list does not exist"),
    _S.ESME_RINVDESTFLAG: _refused(Failure.UNKNOWN, "The kind of recipient is not allowed"),
    _S.ESME_RINVSUBREP: _refused(Failure.UNKNOWN, "Replacing is not allowed"),
    _S.ESME_RINVESMCLASS: _refused(Failure.CONTENT, "This kind of message is not allowed, perhaps of long ones"),
    _S.ESME_RCNTSUBDL: _refused(Failure.UNKNOWN, "The operator cannot submit to a list"),
    _S.ESME_RSUBMITFAIL: _refused(Failure.CARRIER, "The operator could not take the message"),
    _S.ESME_RINVSRCTON: _refused(Failure.SENDER, "The type of the sender's number is not allowed"),
    _S.ESME_RINVSRCNPI: _refused(Failure.SENDER, "The numbering plan of the sender is not allowed"),
    _S.ESME_RINVDSTTON: _refused(Failure.DESTINATION, "The type of the recipient's number is not allowed"),
    _S.ESME_RINVDSTNPI: _refused(Failure.DESTINATION, "The numbering plan of the recipient is not allowed"),
    _S.ESME_RINVSYSTYP: _account("The operator does not accept the system type"),
    _S.ESME_RINVREPFLAG: _refused(Failure.UNKNOWN, "The flag for replacing is not allowed"),
    _S.ESME_RINVNUMMSGS: _refused(Failure.UNKNOWN, "The number of messages is not allowed"),
    _S.ESME_RTHROTTLED: Meaning(
        "Faster than the account allows", Failure.THROTTLED, Outcome.THROTTLED, 1.0, Slows.ACCOUNT
    ),
    _S.ESME_RINVSCHED: _refused(Failure.UNKNOWN, "The time of delivery is not allowed"),
    _S.ESME_RINVEXPIRY: _refused(Failure.UNKNOWN, "The validity, or the form it is written in, is not allowed"),
    _S.ESME_RINVDFTMSGID: _refused(Failure.UNKNOWN, "The prepared text does not exist"),
    _S.ESME_RX_T_APPN: _passing(5.0, "The operator cannot take the message at the moment"),
    _S.ESME_RX_P_APPN: _refused(Failure.CARRIER, "The operator's application refuses the message for good"),
    _S.ESME_RX_R_APPN: _refused(Failure.CARRIER, "The operator's application rejects the message"),
    _S.ESME_RQUERYFAIL: _refused(Failure.UNKNOWN, "The operator could not say what became of the message"),
    _S.ESME_RINVOPTPARSTREAM: _refused(Failure.UNKNOWN, "The operator could not read the optional parameters"),
    _S.ESME_ROPTPARNOTALLWD: _refused(Failure.UNKNOWN, "An optional parameter is not allowed"),
    _S.ESME_RINVPARLEN: _refused(Failure.UNKNOWN, "An optional parameter has the wrong length"),
    _S.ESME_RMISSINGOPTPARAM: _refused(Failure.UNKNOWN, "The operator expects an optional parameter that is missing"),
    _S.ESME_RINVOPTPARAMVAL: _refused(Failure.UNKNOWN, "The value of an optional parameter is not allowed"),
    _S.ESME_RDELIVERYFAILURE: _refused(Failure.CARRIER, "The message could not be delivered"),
    _S.ESME_RUNKNOWNERR: _doubt("The operator does not say what went wrong"),
}
#: An operator's own code: an error all the same, so the message was not taken.
OWN = Meaning("A code of the operator's own", Failure.UNKNOWN)

_NOT_TAKEN = _passing(30.0, "Trouble inside the operator's system; the message was not taken")


def of_submit(status: int, *, retry_system_errors: bool = False) -> Meaning:
    """What the error in a response to a submit means."""
    known = STATUSES.get(status, OWN)
    return _NOT_TAKEN if retry_system_errors and known.outcome is Outcome.UNCERTAIN else known


#: States in a receipt (or an answer to a query) and what the hub makes of them. UNKNOWN and ACCEPTED tell nothing of
#: the handset: the message stays open until something else does, or nobody has for long enough.
STATES: dict[MessageState, tuple[Status, Failure | None]] = {
    MessageState.ENROUTE: (Status.SENT, None),
    MessageState.DELIVERED: (Status.DELIVERED, None),
    MessageState.EXPIRED: (Status.EXPIRED, Failure.EXPIRED),
    MessageState.DELETED: (Status.FAILED, Failure.CARRIER),
    MessageState.UNDELIVERABLE: (Status.UNDELIVERED, Failure.UNREACHABLE),
    MessageState.ACCEPTED: (Status.SENT, None),
    MessageState.UNKNOWN: (Status.SENT, None),
    MessageState.REJECTED: (Status.FAILED, Failure.BLOCKED),
}
_STATE_WORDS: dict[MessageState, str] = {
    MessageState.ENROUTE: "On its way",
    MessageState.DELIVERED: "Delivered",
    MessageState.EXPIRED: "Not delivered within its validity",
    MessageState.DELETED: "Deleted in the operator's system",
    MessageState.UNDELIVERABLE: "Cannot be delivered",
    MessageState.ACCEPTED: "Taken on behalf of the recipient",
    MessageState.UNKNOWN: "The operator does not know its state",
    MessageState.REJECTED: "Rejected by the operator",
}

#: Local errors of MAP.
GSM_ERRORS: dict[int, tuple[Failure, str]] = {
    1: (Failure.INVALID_NUMBER, "Unknown subscriber"),
    5: (Failure.UNREACHABLE, "Unidentified subscriber"),
    6: (Failure.UNREACHABLE, "Absent subscriber"),
    9: (Failure.BLOCKED, "Illegal subscriber"),
    11: (Failure.BLOCKED, "The subscriber has no text service"),
    12: (Failure.BLOCKED, "Illegal equipment"),
    13: (Failure.BLOCKED, "Barred by the subscriber or the operator"),
    21: (Failure.UNREACHABLE, "The handset's network has no text service"),
    27: (Failure.UNREACHABLE, "Absent subscriber"),
    31: (Failure.UNREACHABLE, "The subscriber is busy"),
    32: (Failure.UNREACHABLE, "The handset could not take the message"),
    33: (Failure.UNREACHABLE, "Too many messages wait for the subscriber"),
    34: (Failure.CARRIER, "The network failed"),
}

_BY_NAME = {status_name(status): meaning.words for status, meaning in STATUSES.items()}
_BY_NAME |= {state.name: words for state, words in _STATE_WORDS.items()}
_BY_NAME |= {f"GSM {code}": words for code, (_, words) in GSM_ERRORS.items()}
_OF_ITS_OWN = f"{OWN.words}; the operator's list of codes says what it means"
WORDS = (*_BY_NAME.values(), OWN.words, _OF_ITS_OWN, _NOT_TAKEN.words)


def explain(code: str) -> tuple[str, str]:
    """A code in words, and the specification; only words for an operator's own."""
    if code in _BY_NAME:
        return _BY_NAME[code], _SPECIFICATION
    if code.startswith(("0x", "err ", "GSM ")):
        return _OF_ITS_OWN, ""
    return "", ""
