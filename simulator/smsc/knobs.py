"""What only the SMPP face can do wrong, or does in one of many usual ways. Part of `simulator.faults.Faults`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from simulator.smsc.receipts import DIALECTS, STATES

MODES = ("transceiver", "transmitter", "receiver")
# A message_id has 64 characters at most.
_ID_FORM = re.compile(r"(?:dec|hex|HEX)(?:[1-9]|[1-5]\d|6[0-4])?|opaque")

_CHOICES: Mapping[str, frozenset[str]] = {
    "smpp_receipt_text": frozenset(DIALECTS),
    "smpp_receipts_to": frozenset({"any", "same", "other"}),
    "smpp_failed_state": frozenset(STATES) - {"DELIVRD", "ENROUTE", "ACCEPTD"},
    "smpp_alphabet": frozenset({"gsm7", "latin1"}),
}


@dataclass(frozen=True, slots=True)
class SmppKnobs:
    """Codes in mixes are command_status in decimal: 88 is ESME_RTHROTTLED, 20 ESME_RMSGQFUL."""

    smpp_max_binds: int = 0
    """Binds of one account at once; the next is refused as already bound. 0: no limit but the account's own."""
    smpp_bind_modes: str = " ".join(MODES)
    """Which kinds of bind are offered."""
    smpp_bind_reject_mix: Mapping[str, float] = field(default_factory=dict)
    """Refusals of binds: 5 already bound, 13 bind failed, 14 wrong password, 88 throttled…"""
    smpp_bind_drop_share: float = 0.0
    """Of binds: the connection ends in place of the answer."""
    smpp_max_per_second: int = 0
    """Submits that one account may have accepted in any second; beyond: throttled. 0: no limit."""
    smpp_window: int = 0
    """Submits of one bind that are worked on at once; the next ones wait their turn. 0: no limit."""
    smpp_nack_share: float = 0.0
    """Of submits: answered with generic_nack, and not accepted."""
    smpp_drop_answered_share: float = 0.0
    """Of submits: accepted and answered, and then the connection ends."""
    smpp_cut_share: float = 0.0
    """Of submits: accepted, and the connection ends in the middle of the answer."""
    smpp_ids: str = "dec"
    """How message ids are written: dec, hex or HEX, with a number of digits to fill up with zeros (hex16); opaque."""
    smpp_receipt_ids: str = ""
    """How receipts write them; empty: as the answer does."""
    smpp_receipt_text: str = "standard"
    """The dialect of a receipt's text: `simulator.smsc.receipts.DIALECTS`."""
    smpp_receipt_tlvs: bool = True
    """Whether receipts have receipted_message_id, message_state and network_error_code."""
    smpp_receipt_data_sm: bool = False
    """Receipts come as data_sm instead of deliver_sm."""
    smpp_failed_state: str = "UNDELIV"
    """What the receipt of a message that the network failed to deliver says."""
    smpp_receipts_to: str = "any"
    """The bind a receipt takes: any in turn, the same as its submit, or another, where there is one."""
    smpp_deliver_window: int = 1000
    """Receipts and texts of one bind that may be unacknowledged; the next ones wait. 0: no limit."""
    smpp_ack_seconds: float = 10.0
    """What is not acknowledged within this time is delivered again."""
    smpp_redeliver_seconds: float = 1.0
    """What is answered with an error that may pass is delivered again after this time."""
    smpp_enquire_seconds: float = 0.0
    """Silence after which a bind is asked whether it is alive, and dropped after as much silence again. 0: never."""
    smpp_answers_enquire: bool = True
    """Whether an enquire_link is answered."""
    smpp_idle_drop_seconds: float = 0.0
    """Silence after which a connection ends without a word. 0: never."""
    smpp_query: bool = True
    """Whether query_sm is offered."""
    smpp_alphabet: str = "gsm7"
    """What data_coding 0 means: gsm7 or latin1."""


def check(knobs: SmppKnobs) -> None:
    """ValueError, naming the knob, for a word that means nothing."""
    for name, words in _CHOICES.items():
        if getattr(knobs, name) not in words:
            raise ValueError(f"{name} must be one of {', '.join(sorted(words))}")
    for name in ("smpp_ids", "smpp_receipt_ids"):
        form = getattr(knobs, name)
        if not _ID_FORM.fullmatch(form) and not (name == "smpp_receipt_ids" and not form):
            raise ValueError(f"{name} is dec, hex or HEX, perhaps with a number of digits, or opaque")
    if not set(knobs.smpp_bind_modes.split()) <= set(MODES):
        raise ValueError(f"smpp_bind_modes is made of {', '.join(MODES)}")
