"""Receipts in the dialects that operators write, and one string for an id in all its forms."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.smpp.constants import ESM_INTERMEDIATE, ESM_RECEIPT, MessageState, Tag
from delivery.smpp.message_ids import LESSONS, SAFE, IdBase, MessageIds, canonical
from delivery.smpp.pdu import DataSm, DeliverSm, Tlv, c_string_tlv, integer_tlv
from delivery.smpp.receipts import GSM_NETWORK, Report, is_report, read


def receipt(text: str, *tlvs: Tlv, esm_class: int = ESM_RECEIPT, data_coding: int = 0) -> DeliverSm:
    data = text.encode("utf-16-be" if data_coding == 8 else "latin-1")
    return DeliverSm(esm_class=esm_class, data_coding=data_coding, short_message=data, tlvs=tlvs)


@pytest.mark.parametrize(
    ("text", "report"),
    [
        (
            "id:0123456789 sub:001 dlvrd:001 submit date:2401311159 done date:2401311200 stat:DELIVRD err:000 text:Hi",
            Report("0123456789", MessageState.DELIVERED),
        ),
        (
            "id:af09 sub:001 dlvrd:000 submit date:240131115959 done date:240131120001 stat:UNDELIV err:0A1 text:",
            Report("af09", MessageState.UNDELIVERABLE, "A1"),
        ),
        (
            "id:7 submit date:20240131115959 done date:20240131120001 stat:EXPIRED err:027 Text:stat:DELIVRD id:8",
            Report("7", MessageState.EXPIRED, "27"),
        ),
        ("id:7 stat:REJECTD", Report("7", MessageState.REJECTED)),
        ("ID: 7 Stat: Delivered ERR: 0", Report("7", MessageState.DELIVERED)),
        ("stat:ACCEPTD id:a-b done date:2024-01-31 12:00:01 mccmnc:26201", Report("a-b", MessageState.ACCEPTED)),
        ("id:7 stat:ENROUTE", Report("7", MessageState.ENROUTE, is_final=False)),
        ("id:7 status:UNKNOWN error:12", Report("7", MessageState.UNKNOWN, "12")),
        ("id:7 stat:DELETED", Report("7", MessageState.DELETED)),
        ("id:7 substat:DELIVRD stat:UNDELIVERABLE", Report("7", MessageState.UNDELIVERABLE)),
        ("id:7 stat:SOMETHING", None),
        ("stat:DELIVRD text:id:7", None),
        ("", None),
    ],
)  # fmt: skip
def test_the_text_form_and_its_dialects(text: str, report: Report | None) -> None:
    assert read(receipt(text)) == report
    assert read(receipt(text, data_coding=8)) == report
    payload = DataSm(esm_class=ESM_RECEIPT, tlvs=((Tag.MESSAGE_PAYLOAD, text.encode("latin-1")),))
    assert read(payload) == report


def test_parameters_are_believed_before_the_text() -> None:
    given_receipt = receipt(
        "id:999 stat:UNDELIV err:003",
        c_string_tlv(Tag.RECEIPTED_MESSAGE_ID, "7"),
        integer_tlv(Tag.MESSAGE_STATE, 2, 1),
        (Tag.NETWORK_ERROR_CODE, b"\x03\x00\x06"),
    )
    assert read(given_receipt) == Report("7", MessageState.DELIVERED, "6", GSM_NETWORK)


def test_what_the_parameters_leave_out_is_read_from_the_text() -> None:
    assert read(receipt("id:7 stat:UNDELIV err:003", integer_tlv(Tag.MESSAGE_STATE, 5, 1))) == Report(
        "7", MessageState.UNDELIVERABLE, "3"
    )
    assert read(receipt("stat:UNDELIV", (Tag.RECEIPTED_MESSAGE_ID, b"7"), (Tag.MESSAGE_STATE, b"\x63"))) == Report(
        "7", MessageState.UNDELIVERABLE
    )


def test_an_intermediate_notification_is_never_final() -> None:
    report = read(receipt("id:7 stat:UNDELIV err:001", esm_class=ESM_INTERMEDIATE))
    assert report == Report("7", MessageState.UNDELIVERABLE, "1", is_final=False)


def test_a_person_cannot_write_a_receipt() -> None:
    text = "id:7 stat:DELIVRD err:000"
    assert not is_report(receipt(text, esm_class=0))
    assert not is_report(receipt(text, esm_class=0x40))
    assert is_report(receipt(text))
    # Some operators leave esm_class at nought; these parameters no handset can set.
    told = (c_string_tlv(Tag.RECEIPTED_MESSAGE_ID, "7"), integer_tlv(Tag.MESSAGE_STATE, 2, 1))
    assert is_report(receipt("", *told, esm_class=0))


@given(st.binary(max_size=254), st.integers(0, 255), st.lists(st.tuples(st.sampled_from(Tag), st.binary(max_size=70))))
def test_anything_can_be_read(data: bytes, data_coding: int, tlvs: list[Tlv]) -> None:
    report = read(DeliverSm(esm_class=4, data_coding=data_coding, short_message=data, tlvs=tuple(tlvs)))
    assert report is None or report.message_id


# Ids.

numbers = st.integers(1, 2**63)


def written(number: int, base: str, random: Random) -> str:
    """The number in one of the spellings of this base."""
    text = format(number, "x") if base == "hex" else str(number)
    if base == "hex" and random.random() < 0.5:
        text = text.upper()
    return text.zfill(random.choice([0, 10, 20]))


@pytest.mark.parametrize(
    ("spelling", "same"),
    [("000AF", "af"), ("af", "af"), ("0", "0"), ("000", "0"), ("007", "7"), ("aF", "aF"), ("0x7", "0x7"), ("", "")],
)
def test_spellings_of_one_id(spelling: str, same: str) -> None:
    assert canonical(spelling) == same


@given(numbers, st.sampled_from([IdBase.SAME, IdBase.HEX_DECIMAL, IdBase.DECIMAL_HEX]), st.randoms())
def test_a_setting_makes_one_string_of_response_and_receipt(number: int, base: IdBase, random: Random) -> None:
    response, repeated = {
        IdBase.SAME: ("decimal", "decimal"),
        IdBase.HEX_DECIMAL: ("hex", "decimal"),
        IdBase.DECIMAL_HEX: ("decimal", "hex"),
    }[base]
    ids = MessageIds(base)
    assert ids.of_receipt(written(number, repeated, random), ["1"]) == (
        ids.of_response(written(number, response, random), "1"),
    )


def test_exact_leaves_everything_as_it_is() -> None:
    ids = MessageIds(IdBase.EXACT)
    assert (ids.of_response("00aF", "1"),) == ids.of_receipt("00aF", ["1"]) == ("00aF",)


small = st.lists(st.integers(1, 5000), min_size=1, max_size=60, unique=True)
large = st.lists(st.integers(SAFE, 60 * SAFE), min_size=1, max_size=60, unique=True)


@given(small | large, st.sampled_from(["decimal", "hex"]), st.sampled_from(["decimal", "hex"]), st.randoms())
def test_auto_never_takes_one_message_for_another(
    sent: list[int], response: str, repeated: str, random: Random
) -> None:
    """Whatever the bases, with numbers so small that every id is another message's in the other base, and with large
    ones; whether this process has sent the message or another one."""
    ours, elsewhere = MessageIds(IdBase.AUTO), MessageIds(IdBase.AUTO)
    recipients = {number: f"+1415555{index % 5:04d}" for index, number in enumerate(sent)}
    known_as: dict[str, int] = {}
    waiting: list[int] = []
    for number in sent:
        sender = random.choice([ours, elsewhere])
        known_as[sender.of_response(written(number, response, random), recipients[number])] = number
        waiting.append(number)
        while waiting and random.random() < 0.6:
            about = waiting.pop(random.randrange(len(waiting)))
            found = ours.of_receipt(written(about, repeated, random), [recipients[about].lstrip("+")])
            matched = {known_as[each] for each in found if each in known_as}
            assert matched <= {about}
            # What is taken at all is not taken in vain: the operator does not come again with it.
            assert not found or matched


@pytest.mark.parametrize(
    ("response", "repeated", "learned"),
    [
        ("decimal", "decimal", IdBase.SAME),
        ("hex", "hex", IdBase.SAME),
        ("hex", "decimal", IdBase.HEX_DECIMAL),
        ("decimal", "hex", IdBase.DECIMAL_HEX),
    ],
)
def test_auto_learns_from_a_few_receipts_and_knows_what_others_sent(
    response: str, repeated: str, learned: IdBase
) -> None:
    told: list[IdBase] = []
    ids, random = MessageIds(IdBase.AUTO, learned=told.append), Random(4)
    for number in range(0xAB0010, 0xAB0010 + LESSONS):
        known_as = ids.of_response(written(number, response, random), f"+1415555{number:010d}")
        assert ids.of_receipt(written(number, repeated, random), [f"1415555{number:010d}"]) == (known_as,)
    assert told == [learned]
    elsewhere = MessageIds(IdBase.AUTO).of_response(written(999_999, response, random), "+14155550001")
    assert ids.of_receipt(written(999_999, repeated, random), ["14155550001"]) == (elsewhere,)


@pytest.mark.parametrize(
    ("message_id", "taken"),
    [
        ("1001", set()),
        ("af01", set()),
        ("999999999", set()),
        ("1000000000", {"1000000000", "3b9aca00", "68719476736"}),
        ("3b9aca00", {"3b9aca00", "1000000000"}),
        ("7d0f1c52-8a8e", {"7d0f1c52-8a8e"}),
        ("12345678901234567", {"12345678901234567"}),
    ],
)
def test_what_auto_does_with_receipts_before_it_has_learned(message_id: str, taken: set[str]) -> None:
    assert set(MessageIds(IdBase.AUTO).of_receipt(message_id, ["14155550001"])) == taken


def test_auto_learns_nothing_from_receipts_that_contradict_each_other() -> None:
    told: list[IdBase] = []
    ids = MessageIds(IdBase.AUTO, learned=told.append)
    for number in range(4000, 4000 + 2 * LESSONS):
        ids.of_response(str(number), f"+1415555{number}")
        repeated = format(number, "x") if number % 2 else str(number)
        assert ids.of_receipt(repeated, [f"1415555{number}"]) == (str(number),)
    assert told == []


def test_auto_learns_from_large_ids_that_overtake_their_responses() -> None:
    told: list[IdBase] = []
    ids = MessageIds(IdBase.AUTO, learned=told.append)
    for number in range(10**9, 10**9 + LESSONS):
        assert str(number) in ids.of_receipt(format(number, "x"), [f"1415{number}"])
        assert ids.of_response(str(number), f"+1415{number}") == str(number)
    assert told == [IdBase.DECIMAL_HEX]
    assert ids.of_receipt(format(10**9 + 77, "x"), ["14155550001"]) == (str(10**9 + 77),)


def test_auto_learns_nothing_from_somebody_elses_receipt_that_was_there_before() -> None:
    told: list[IdBase] = []
    ids = MessageIds(IdBase.AUTO, learned=told.append)
    for number in range(10**9, 10**9 + 2 * LESSONS):
        ids.of_receipt(format(number, "x"), ["14155550001"])
        ids.of_response(str(number), "+14155559999")
    assert told == []


def test_auto_takes_nothing_that_fits_two_messages() -> None:
    ids = MessageIds(IdBase.AUTO)
    ids.of_response("16", "+14155550001")
    ids.of_response("10", "+14155550001")
    assert ids.of_receipt("10", ["14155550001"]) == ()
