"""What an SMPP account is configured with, and whether it makes sense."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar
from urllib.parse import urlsplit

from django.utils.translation import gettext
from django.utils.translation import gettext as _

from delivery.providers.base import BadConfiguration, ProviderConfig, Setting, text_of
from delivery.providers.egress import is_public
from delivery.smpp.message_ids import IdBase
from delivery.smpp.pdu import Tlvs
from delivery.smpp.text import Alphabet, Long

T = TypeVar("T", bound=StrEnum)


class Mode(StrEnum):
    TRANSCEIVER = "transceiver"
    PAIR = "pair"
    """A transmitter and a receiver."""


class Validity(StrEnum):
    RELATIVE = "relative"
    ABSOLUTE = "absolute"
    NONE = "none"


FORM = (
    Setting(
        "address",
        "Address",
        "smpp://host:port, or smpps://host:port over TLS. The port is usually 2775, or 3550 over TLS.",
        required=True,
        is_url=True,
    ),
    Setting("system_id", "System id", "The name of the account, up to 15 characters.", required=True),
    Setting("password", "Password", "Usually up to 8 characters.", required=True, secret=True),
    Setting("system_type", "System type", "Only if the operator has given one."),
    Setting("verify_tls", "Verify TLS", "Whether the certificate must be valid and the host's own.", default=True),
    Setting(
        "mode",
        "Binds",
        "transceiver, or pair: a transmitter and a receiver.",
        default=Mode.TRANSCEIVER.value,
        choices=tuple(Mode),
    ),
    Setting(
        "binds",
        "Binds allowed",
        "How many the operator allows at a time, over all workers; a pair counts as one.",
        default=1,
    ),
    Setting(
        "window",
        "Window",
        "Messages without a response on one bind. At least the rate times the round trip; operators often allow 10.",
        default=10,
    ),
    Setting(
        "source_ton_npi",
        "Type of senders",
        "auto: international numbers 1/1, short codes 3/0, names 5/0. Else TON/NPI for all, as in 1/1.",
        default="auto",
    ),
    Setting("dest_ton_npi", "Type of recipients", "TON/NPI of the recipient's number.", default="1/1"),
    Setting(
        "alphabet",
        "Alphabet",
        "gsm7; latin1: as Latin-1 with data_coding 3; latin1-default: the operator reads data_coding 0 as Latin-1.",
        default=Alphabet.GSM7.value,
        choices=tuple(Alphabet),
    ),
    Setting(
        "long_messages",
        "Long texts",
        "udh8 or udh16: in parts with a header; sar: in parts numbered by parameters; payload: whole.",
        default=Long.UDH8.value,
        choices=tuple(Long),
    ),
    Setting("registered_delivery", "Receipts", "1: of every message. 2: of failures only. 0: none.", default=1),
    Setting(
        "validity",
        "Validity",
        "How a message's time is written: relative, absolute, or none.",
        default=Validity.RELATIVE.value,
        choices=tuple(Validity),
    ),
    Setting("priority", "Priority", "0 to 3; 3 is the most urgent.", default=0),
    Setting("service_type", "Service type", "Only if the operator has given one."),
    Setting("parameters", "Further parameters", "TLVs for every message, as in 1400=01ff 1401=text."),
    Setting(
        "id_base",
        "Message ids",
        "auto: learned from receipts. If known: same; exact; hex-decimal (responses in hexadecimal, receipts in "
        "decimal); decimal-hex.",
        default=IdBase.AUTO.value,
        choices=tuple(IdBase),
    ),
    Setting("country_code", "Country code", "Put before numbers that the operator writes without one, as in 49."),
    Setting("enquire_seconds", "Enquire after", "Seconds of silence until the link is enquired after.", default=30),
    Setting("may_query", "May be asked", "Whether the operator answers query_sm.", default=False),
    Setting(
        "retry_system_errors",
        "Retry system errors",
        "ESME_RSYSERR and ESME_RUNKNOWNERR mean for certain that the message was not taken, and it is sent again.",
        default=False,
    ),
)

_TON_NPI = re.compile(r"([0-6])/([0-9]|1[0-8])")
_PARAMETER = re.compile(r"([0-9A-Fa-f]{4})=((?:[0-9A-Fa-f]{2})+|\S*)")
_PARAMETER_OF_OURS = range(0x020A, 0x0210)


@dataclass(frozen=True, slots=True)
class Account:
    host: str
    port: int
    tls: bool
    verify_tls: bool
    system_id: str
    password: str = field(repr=False)
    system_type: str
    mode: Mode
    binds: int
    window: int
    source_ton_npi: tuple[int, int] | None
    """None: by the kind of sender."""
    dest_ton_npi: tuple[int, int]
    alphabet: Alphabet
    long: Long
    registered_delivery: int
    validity: Validity
    priority: int
    service_type: str
    parameters: Tlvs
    id_base: IdBase
    country_code: str
    enquire_seconds: int
    may_query: bool
    retry_system_errors: bool


def read(config: ProviderConfig) -> Account:
    """The account of a configuration. Raises BadConfiguration."""
    settings = config.settings
    host, port, tls = _address(config)
    country_code = text_of(settings, "country_code").removeprefix("+")
    if country_code and not re.fullmatch(r"[1-9][0-9]{0,2}", country_code):
        raise BadConfiguration(_("Country code: one to three digits, as in 49."))
    password = text_of(config.credentials, "password")
    if not password or not _fits(password, 64):
        raise BadConfiguration(_("Password: enter the one the operator gave, of up to 64 plain characters."))
    return Account(
        host=host,
        port=port,
        tls=tls,
        verify_tls=_flag(settings, "verify_tls", default=True),
        system_id=_short(settings, "system_id", "System id", 15, required=True),
        password=password,
        system_type=_short(settings, "system_type", "System type", 12),
        mode=_choice(settings, "mode", "Binds", Mode),
        binds=_number(settings, "binds", "Binds allowed", 1, 100, default=1),
        window=_number(settings, "window", "Window", 1, 1000, default=10),
        source_ton_npi=_ton_npi(settings, "source_ton_npi", "Type of senders", default="auto"),
        dest_ton_npi=_ton_npi(settings, "dest_ton_npi", "Type of recipients", default="1/1") or (1, 1),
        alphabet=_choice(settings, "alphabet", "Alphabet", Alphabet),
        long=_choice(settings, "long_messages", "Long texts", Long),
        registered_delivery=_number(settings, "registered_delivery", "Receipts", 0, 31, default=1),
        validity=_choice(settings, "validity", "Validity", Validity),
        priority=_number(settings, "priority", "Priority", 0, 3, default=0),
        service_type=_short(settings, "service_type", "Service type", 5),
        parameters=_parameters(text_of(settings, "parameters")),
        id_base=_choice(settings, "id_base", "Message ids", IdBase),
        country_code=country_code,
        enquire_seconds=_number(settings, "enquire_seconds", "Enquire after", 1, 3600, default=30),
        may_query=_flag(settings, "may_query", default=False),
        retry_system_errors=_flag(settings, "retry_system_errors", default=False),
    )


def check(config: ProviderConfig) -> None:
    """Raises BadConfiguration."""
    read(config)


def connections(config: ProviderConfig) -> int:
    """How many binds, or pairs of them, the account allows. Raises BadConfiguration."""
    return read(config).binds


def _address(config: ProviderConfig) -> tuple[str, int, bool]:
    try:
        parts = urlsplit(text_of(config.settings, "address"))
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = "", None
    if not host or not port or parts.scheme not in ("smpp", "smpps"):
        raise BadConfiguration(_("Address: write it as smpp://host:port, or smpps://host:port for TLS."))
    if parts.username or parts.path.strip("/") or parts.query or parts.fragment or not host.isascii():
        raise BadConfiguration(_("Address: only smpp:// or smpps://, a host and a port."))
    try:
        private = not is_public(host)
    except ValueError:
        private = host == "localhost" or host.endswith(".localhost")
    if private and not config.private_addresses:
        raise BadConfiguration(
            _("Address: it must be a public host, unless the operator has set ALLOW_PRIVATE_PROVIDER_URLS.")
        )
    return host, port, parts.scheme == "smpps"


def _parameters(text: str) -> Tlvs:
    """TLVs as `tag=value`, the value in hexadecimal octets where it can be read so, else as its characters."""
    found = []
    for word in text.split():
        match = _PARAMETER.fullmatch(word)
        if match is None or not word.isascii():
            raise BadConfiguration(_("Further parameters: write each as four hexadecimal digits, =, and a value."))
        tag, value = int(match[1], 16), match[2]
        if tag in _PARAMETER_OF_OURS:
            raise BadConfiguration(
                _("Further parameters: %(tag)s is set with each message that needs it.") % {"tag": match[1]}
            )
        is_hex = re.fullmatch(r"(?:[0-9A-Fa-f]{2})+", value) is not None
        found.append((tag, bytes.fromhex(value) if is_hex else value.encode()))
    return tuple(found)


def _ton_npi(settings: Mapping[str, Any], name: str, label: str, *, default: str) -> tuple[int, int] | None:
    text = text_of(settings, name) or default
    if text == "auto" == default:
        return None
    match = _TON_NPI.fullmatch(text)
    if match is None:
        said = _("%(label_words)s: write TON/NPI, as in 1/1.")
        if default == "auto":
            said = _("%(label_words)s: write TON/NPI, as in 1/1 or auto.")
        raise BadConfiguration(said % {"label_words": gettext(label)})
    return int(match[1]), int(match[2])


def _choice(settings: Mapping[str, Any], name: str, label: str, kind: type[T]) -> T:
    text = text_of(settings, name)
    choices = list(kind)
    if not text:
        return choices[0]
    try:
        return kind(text)
    except ValueError:
        raise BadConfiguration(
            _("%(label_words)s: one of %(choices)s.") % {"label_words": gettext(label), "choices": ", ".join(choices)}
        ) from None


def _number(settings: Mapping[str, Any], name: str, label: str, least: int, most: int, *, default: int) -> int:
    value = settings.get(name, default)
    if isinstance(value, str) and value.strip().isdecimal():
        value = int(value)
    if value in ("", None):
        return default
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise BadConfiguration(
            _("%(label_words)s: a whole number from %(least)s to %(most)s.")
            % {"label_words": gettext(label), "least": least, "most": most}
        )
    return value


def _flag(settings: Mapping[str, Any], name: str, *, default: bool) -> bool:
    value = settings.get(name, default)
    if not isinstance(value, bool):
        raise BadConfiguration(_("%(name)s: must be true or false.") % {"name": name})
    return value


def _short(settings: Mapping[str, Any], name: str, label: str, longest: int, *, required: bool = False) -> str:
    text = text_of(settings, name)
    if required and not text:
        raise BadConfiguration(_("%(label_words)s: enter the one the operator gave.") % {"label_words": gettext(label)})
    if not _fits(text, longest):
        raise BadConfiguration(
            _("%(label_words)s: up to %(longest)s plain characters.")
            % {"label_words": gettext(label), "longest": longest}
        )
    return text


def _fits(text: str, longest: int) -> bool:
    return len(text) <= longest and text.isascii() and "\0" not in text
