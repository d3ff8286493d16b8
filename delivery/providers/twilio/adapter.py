"""Speaks to one Twilio account over one pool of kept-alive connections."""

import base64
from typing import Any
from urllib.parse import quote, urlencode

from aiohttp import ClientError
from yarl import URL

from delivery.errors import Failure
from delivery.providers import http
from delivery.providers.base import (
    Answer,
    CannotAsk,
    Listener,
    OutboundMessage,
    Outcome,
    ProviderConfig,
    Question,
    Receipt,
    SendOutcome,
)
from delivery.providers.twilio import wire
from delivery.providers.twilio.account import read
from delivery.providers.twilio.receipts import STATUSES, receipt
from delivery.states import Status

API_VERSION = "2010-04-01"

_LARGEST_ANSWER = 256 * 1024
_LARGEST_PAGE = 16 * 1024 * 1024
_PAGE_SIZE = 1000
_MOST_PAGES = 20
_NO_SUCH_MESSAGE = 20404


class TwilioAdapter:
    def __init__(self, config: ProviderConfig) -> None:
        account = read(config)
        self._origin = account.base_url
        self._path = f"/{API_VERSION}/Accounts/{account.sid}/Messages"
        self._create = URL(f"{self._origin}{self._path}.json", encoded=True)
        basic = base64.b64encode(f"{account.user}:{account.password}".encode()).decode()
        self._session = http.session(config, base_url=self._origin, headers={"Authorization": f"Basic {basic}"})

    async def send(self, message: OutboundMessage) -> SendOutcome:
        try:
            form = wire.create_form(message)
        except ValueError:
            return SendOutcome(
                message.id, message.attempt, Outcome.REJECTED, failure=Failure.CONTENT, detail="Bad Unicode"
            )
        try:
            async with self._session.post(
                self._create,
                data=form,
                headers={"Content-Type": "application/x-www-form-urlencoded"},
                allow_redirects=False,
            ) as response:
                body = await http.bounded(response, _LARGEST_ANSWER)
        except Exception as error:
            return http.failed(message, error)
        return wire.read_answer(
            message, status=response.status, retry_after=response.headers.get("Retry-After", ""), body=body
        )

    async def ask(self, question: Question) -> Answer:
        found = await (self._fetch(question) if question.provider_message_id else self._search(question))
        return Answer(question.message_id, question.attempt, found)

    async def _fetch(self, question: Question) -> list[Receipt]:
        sid = quote(question.provider_message_id, safe="")
        status, answer, _ = await self._get(f"{self._path}/{sid}.json")
        if status == 404 and wire.error_code(answer) == _NO_SUCH_MESSAGE:
            return []
        if status != 200:
            raise CannotAsk(f"HTTP {status}")
        return [_as_receipt(answer)]

    async def _search(self, question: Question) -> list[Receipt]:
        """Every message to this recipient, of which those that may be ours are kept, likeliest first.

        The resource can be filtered by DateSent, but a message still in Twilio's queue has none and would not
        be found: so all pages are read and the time is compared here, by date_created.
        """
        found: list[dict[str, Any]] = []
        path = f"{self._path}.json?{urlencode({'To': question.recipient, 'PageSize': _PAGE_SIZE})}"
        for _ in range(_MOST_PAGES):
            status, page, date = await self._get(path)
            messages, further = page.get("messages"), page.get("next_page_uri")
            if status != 200 or not isinstance(messages, list) or not isinstance(further, str | None):
                raise CannotAsk(f"HTTP {status}, no list of messages")
            theirs = wire.on_their_clock(question, date)
            found += [m for m in messages if isinstance(m, dict) and wire.may_be(m, theirs)]
            if not further:
                return [_as_receipt(m) for m in sorted(found, key=lambda m: wire.unlikeness(m, theirs))]
            path = further
        raise CannotAsk(f"More than {_MOST_PAGES * _PAGE_SIZE} messages to this recipient")

    async def _get(self, path: str) -> tuple[int, dict[str, Any], str]:
        """Status, what it says, and when it says so."""
        if not path.startswith("/"):
            raise CannotAsk("A page that is elsewhere")
        try:
            async with self._session.get(URL(self._origin + path, encoded=True), allow_redirects=False) as response:
                answer = http.json_object(await http.bounded(response, _LARGEST_PAGE))
                return response.status, answer, response.headers.get("Date", "")
        except (ClientError, OSError, ValueError) as error:
            raise CannotAsk(f"The connection failed ({type(error).__name__})") from None

    async def close(self) -> None:
        await self._session.close()


def _as_receipt(resource: dict[str, Any]) -> Receipt:
    sid = resource.get("sid")
    if not isinstance(sid, str) or not sid:
        raise CannotAsk("A message without a SID")
    # A state that we have never heard of still says that Twilio has it.
    status = STATUSES.get(str(resource.get("status")), Status.ACCEPTED)
    return receipt(sid, status, resource.get("error_code"))


def build(config: ProviderConfig, _listener: Listener | None) -> TwilioAdapter:
    return TwilioAdapter(config)
