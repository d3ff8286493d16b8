"""One bound connection, as the door knows it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from delivery.smpp.link import Link
from delivery.smpp.pdu import Bind, BindReceiver, BindTransmitter

WITH_TLVS = 0x34
"""The interface_version from which on a system knows optional parameters (SMPP 3.4, 1.6)."""


@dataclass(slots=True, eq=False)
class Session:
    link: Link
    login_id: int
    mode: str
    version: int
    since: datetime = field(default_factory=lambda: datetime.now(UTC))
    submitted: int = 0
    """Short messages that were answered with an id."""
    told: int = 0
    """Receipts and texts that it acknowledged."""

    @property
    def may_submit(self) -> bool:
        return self.mode != "receiver"

    @property
    def hears(self) -> bool:
        return self.mode != "transmitter" and self.link.is_open

    @property
    def with_tlvs(self) -> bool:
        return self.version >= WITH_TLVS


def mode_of(bind: Bind) -> str:
    if isinstance(bind, BindReceiver):
        return "receiver"
    return "transmitter" if isinstance(bind, BindTransmitter) else "transceiver"
