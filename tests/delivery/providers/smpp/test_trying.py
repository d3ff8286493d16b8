"""Trying an SMPP account: one bind, given up at once."""

import asyncio
from typing import Any

import pytest

from delivery.providers.base import Access, Tried
from delivery.providers.smpp.trying import try_credentials
from delivery.smpp.constants import CommandStatus
from delivery.smpp.link import Link
from delivery.smpp.pdu import Bind, BindTransceiver, BindTransmitter, DeliverSm, Request, Response, response_to
from tests.delivery.providers.smpp.scenes import Operator, config, saying, soon
from tests.delivery.smpp.ends import centre, run


def tried(operator: Operator, **settings: Any) -> tuple[Tried, Link]:
    """What came of it, and the operator's end of the only connection that there was."""

    async def scenario() -> tuple[Tried, Link]:
        async with centre(operator.handle) as there:
            operator.links = there.links
            found = await try_credentials(config(there.port, **settings))
            await soon(lambda: not operator.bound)
            [link] = there.links
            return found, link

    return run(scenario())


@pytest.mark.parametrize(("mode", "kind"), [("transceiver", BindTransceiver), ("pair", BindTransmitter)])
def test_one_bind_is_taken_as_the_account_makes_them_and_given_up_in_good_order(mode: str, kind: type[Bind]) -> None:
    operator = Operator()

    found, link = tried(operator, mode=mode)

    assert found.access is Access.GRANTED
    assert [type(each) for each in operator.binds] == [kind]
    assert link.why_closed == "the other side unbound"
    assert operator.asked == []


@pytest.mark.parametrize(
    ("status", "access", "says"),
    [
        (CommandStatus.ESME_RINVPASWD, Access.REFUSED, "look at Password"),
        (CommandStatus.ESME_RINVSYSID, Access.REFUSED, "look at System id"),
        (CommandStatus.ESME_RINVSYSTYP, Access.REFUSED, "look at System type"),
        (CommandStatus.ESME_RBINDFAIL, Access.REFUSED, "ESME_RBINDFAIL"),
        (0x0410, Access.REFUSED, "0x00000410"),
        (CommandStatus.ESME_RALYBND, Access.GRANTED, "the credentials are right"),
        (CommandStatus.ESME_RTHROTTLED, Access.BUSY, "Try again later"),
        (CommandStatus.ESME_RSYSERR, Access.BUSY, "Try again later"),
    ],
)
def test_a_refusal_is_told_in_words(status: int, access: Access, says: str) -> None:
    found, _link = tried(Operator(saying(status, Bind)))  # type: ignore[arg-type]  # all three binds

    assert (found.access, says in found.sentence) == (access, True), found


def test_what_is_delivered_meanwhile_is_left_for_a_connector() -> None:
    answers: list[int] = []

    def deliver(link: Link, request: Request) -> Response:
        link.submit(DeliverSm(source_addr="14155550123", short_message=b"STOP")).add_done_callback(
            lambda answer: answers.append(answer.result().status)
        )
        return response_to(request)

    found, _link = tried(Operator(deliver))

    assert (found.access, answers) == (Access.GRANTED, [CommandStatus.ESME_RX_T_APPN])


def test_an_operator_who_never_answers_is_a_time_out() -> None:
    found, _link = tried(Operator(lambda _link, _request: asyncio.sleep(60, None)), timeout=0.3)

    assert found.access is Access.TIMED_OUT
