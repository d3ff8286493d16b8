"""What an account may be configured with, and in which words it is refused."""

from dataclasses import replace
from typing import Any

import pytest

from delivery.providers.base import BadConfiguration, ProviderConfig
from delivery.providers.smpp import KIND
from delivery.providers.smpp.account import FORM, Mode, Validity, read
from delivery.smpp.message_ids import IdBase
from delivery.smpp.text import Alphabet, Long

GOOD = ProviderConfig(
    id=1, settings={"address": "smpp://smsc.example:2775", "system_id": "hub"}, credentials={"password": "secret"}
)


def with_settings(**settings: Any) -> ProviderConfig:
    return replace(GOOD, settings={**GOOD.settings, **settings})


def test_little_needs_to_be_said() -> None:
    account = read(GOOD)
    assert (account.host, account.port, account.tls, account.verify_tls) == ("smsc.example", 2775, False, True)
    assert (account.mode, account.binds, account.window) == (Mode.TRANSCEIVER, 1, 10)
    assert (account.alphabet, account.long, account.id_base) == (Alphabet.GSM7, Long.UDH8, IdBase.AUTO)
    assert (account.source_ton_npi, account.dest_ton_npi, account.registered_delivery) == (None, (1, 1), 1)
    assert not account.may_query
    assert not account.retry_system_errors


def test_the_forms_own_defaults_make_a_good_account() -> None:
    defaults = {setting.name: setting.default for setting in FORM if not setting.secret and setting.default != ""}
    assert read(with_settings(**defaults)) == read(GOOD)


def test_everything_can_be_said() -> None:
    account = read(
        with_settings(
            address="smpps://[2001:4860:4860::8888]:3550",
            verify_tls=False,
            mode="pair",
            binds="4",
            window=100,
            source_ton_npi="5/0",
            dest_ton_npi="2/8",
            alphabet="latin1",
            long_messages="sar",
            validity="absolute",
            parameters="1400=01ff 1401=campaign",
            country_code="+49",
            id_base="hex-decimal",
        )
    )
    assert (account.host, account.port, account.tls, account.verify_tls) == ("2001:4860:4860::8888", 3550, True, False)
    assert (account.mode, account.binds, account.window) == (Mode.PAIR, 4, 100)
    assert (account.source_ton_npi, account.dest_ton_npi) == ((5, 0), (2, 8))
    assert account.parameters == ((0x1400, b"\x01\xff"), (0x1401, b"campaign"))
    assert (account.country_code, account.validity, account.id_base) == ("49", Validity.ABSOLUTE, IdBase.HEX_DECIMAL)
    assert KIND.connections is not None
    assert KIND.connections(with_settings(binds=3)) == 3


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"address": ""}, "Address: write it as"),
        ({"address": "http://smsc.example:2775"}, "Address: write it as"),
        ({"address": "smpp://smsc.example"}, "Address: write it as"),
        ({"address": "smpp://smsc.example:99999"}, "Address: write it as"),
        ({"address": "smpp://hub:secret@smsc.example:2775"}, "Address: only"),
        ({"address": "smpp://10.0.0.1:2775"}, "public host"),
        ({"address": "smpp://localhost:2775"}, "public host"),
        ({"system_id": ""}, "System id: enter"),
        ({"system_id": "sixteen-letters!"}, "System id: up to 15"),
        ({"system_type": "größe"}, "System type: up to 12"),
        ({"mode": "both"}, "Binds: one of transceiver, pair"),
        ({"binds": 0}, "Binds allowed: a whole number"),
        ({"window": "many"}, "Window: a whole number"),
        ({"window": True}, "Window: a whole number"),
        ({"source_ton_npi": "7/1"}, "Type of senders: write TON/NPI, as in 1/1 or auto"),
        ({"dest_ton_npi": "auto"}, "Type of recipients: write TON/NPI"),
        ({"alphabet": "utf8"}, "Alphabet: one of gsm7, latin1"),
        ({"long_messages": "split"}, "Long texts: one of udh8"),
        ({"priority": 4}, "Priority: a whole number from 0 to 3"),
        ({"parameters": "1400"}, "Further parameters: write each"),
        ({"parameters": "020c=0001"}, "Further parameters: 020c is set"),
        ({"country_code": "0049"}, "Country code"),
        ({"may_query": "yes"}, "may_query: must be true or false"),
        ({"id_base": "octal"}, "Message ids: one of auto"),
    ],
)
def test_what_makes_no_sense_is_said_in_words(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(BadConfiguration, match=said):
        KIND.check(with_settings(**settings))


@pytest.mark.parametrize("password", ["", "x" * 65, "pässword"])
def test_the_password_is_looked_at_and_never_shown(password: str) -> None:
    with pytest.raises(BadConfiguration, match="Password"):
        KIND.check(replace(GOOD, credentials={"password": password}))
    assert "secret" not in repr(read(GOOD))


def test_a_private_host_where_the_operator_allows_it() -> None:
    KIND.check(replace(with_settings(address="smpp://10.0.0.1:2775"), private_addresses=True))
