"""Trying an account's credentials: one bind as the account makes them, given up at once.

It takes a bind of the account for a moment. What the operator delivers within it is refused for now, and comes again.
"""

import asyncio
from contextlib import suppress

from django.utils.translation import gettext as _

from delivery.providers import access
from delivery.providers.base import Access, ProviderConfig, Tried
from delivery.providers.smpp.account import Mode, read
from delivery.providers.smpp.opening import Role, open_bind
from delivery.smpp.constants import CommandStatus, status_name
from delivery.smpp.link import Link, LinkError, NoResponse
from delivery.smpp.pdu import Request, Response, response_to

_LEAVE_SECONDS = 1.0
#: The field of the form that a refusal is about.
_FIELDS: dict[int, str] = {
    CommandStatus.ESME_RINVPASWD: "Password",
    CommandStatus.ESME_RINVSYSID: "System id",
    CommandStatus.ESME_RINVSYSTYP: "System type",
}
_BUSY = frozenset(
    {
        CommandStatus.ESME_RTHROTTLED,
        CommandStatus.ESME_RMSGQFUL,
        CommandStatus.ESME_RX_T_APPN,
        CommandStatus.ESME_RSYSERR,
    }
)


async def try_credentials(config: ProviderConfig) -> Tried:
    account = read(config)
    role = Role.TRANSMITTER if account.mode is Mode.PAIR else Role.TRANSCEIVER
    try:
        async with asyncio.timeout(config.timeout):
            link, answer = await open_bind(
                account,
                role,
                _not_now,
                private_addresses=config.private_addresses,
                response_seconds=config.timeout,
            )
    except NoResponse:
        return access.no_way(TimeoutError())
    except (OSError, LinkError) as error:
        return access.no_way(error)
    if not answer.status:
        await _leave(link)
    return _meaning(answer.status)


def _not_now(_link: Link, request: Request) -> Response:
    return response_to(request, CommandStatus.ESME_RX_T_APPN)


async def _leave(link: Link) -> None:
    """What was asked is answered: an operator who does not let go in good order changes nothing of it."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_LEAVE_SECONDS):
            await link.unbind()
    link.abort()


def _meaning(status: int) -> Tried:
    operator = _("The operator")
    if not status:
        return Tried(Access.GRANTED, _("The operator lets the account bind."))
    if status == CommandStatus.ESME_RALYBND:
        return Tried(
            Access.GRANTED,
            _("The operator says that the account is bound as often as it may be already: the credentials are right."),
        )
    if field := _FIELDS.get(status):
        return access.refused(operator, _(field))
    if status in _BUSY:
        return access.busy(operator)
    return Tried(
        Access.REFUSED,
        _(
            "The operator refuses to bind, and says no more than %(code)s: look at System id, Password and Binds, and "
            "ask whether your address is let in and how many binds are allowed."
        )
        % {"code": status_name(status)},
    )
