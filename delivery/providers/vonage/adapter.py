"""Speaks to one Vonage account over one pool of kept-alive connections."""

import base64

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
    SendOutcome,
)
from delivery.providers.vonage import wire
from delivery.providers.vonage.account import read

_LARGEST_ANSWER = 256 * 1024


class VonageAdapter:
    def __init__(self, config: ProviderConfig) -> None:
        account = read(config)
        basic = base64.b64encode(f"{account.key}:{account.secret}".encode()).decode()
        self._create = URL(f"{account.base_url}/v1/messages", encoded=True)
        self._session = http.session(config, base_url=account.base_url, headers={"Authorization": f"Basic {basic}"})

    async def send(self, message: OutboundMessage) -> SendOutcome:
        try:
            body = wire.create_body(message)
        except ValueError:
            return SendOutcome(
                message.id, message.attempt, Outcome.REJECTED, failure=Failure.CONTENT, detail="Bad Unicode"
            )
        try:
            async with self._session.post(
                self._create, data=body, headers={"Content-Type": "application/json"}, allow_redirects=False
            ) as response:
                answer = await http.bounded(response, _LARGEST_ANSWER)
        except Exception as error:
            return http.failed(message, error)
        return wire.read_answer(
            message, status=response.status, retry_after=response.headers.get("Retry-After", ""), body=answer
        )

    async def ask(self, question: Question) -> Answer:
        """There is no resource to read a message back from: the API has a POST and, for other channels, a PATCH.

        Vonage's Reports API would know by id. It is a product of its own, paid by the record
        (https://developer.vonage.com/en/api/reports), and says nothing of how fresh it is: a message that it does
        not have may still be on its way there. Receipts decide alone.
        """
        raise CannotAsk("Vonage's Messages API cannot be asked; the receipt will tell")

    async def close(self) -> None:
        await self._session.close()


def build(config: ProviderConfig, _listener: Listener | None) -> VonageAdapter:
    return VonageAdapter(config)
