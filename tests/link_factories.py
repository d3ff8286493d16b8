"""Links with sensible values, and somebody who follows one."""

import asyncio
from typing import Any

import factory
from factory.django import DjangoModelFactory

from campaigns.links.addresses import PREFIX
from campaigns.links.door import LinkDoor
from campaigns.models import Link
from tests.factories import CampaignFactory

#: What a person's phone says of itself.
PHONE = (
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0 Mobile "
    "Safari/537.36"
)


class LinkFactory(DjangoModelFactory):
    """A campaign's; `campaign=None, template=…` for a template's."""

    class Meta:
        model = Link

    campaign = factory.SubFactory(CampaignFactory)
    target = "https://www.example.org/offer"


class Visit:
    """What the door answered."""

    def __init__(self, events: list[Any]) -> None:
        start, body = events
        self.status: int = start["status"]
        self.headers = {name.decode(): value.decode() for name, value in start["headers"]}
        self.body: bytes = body["body"]

    @property
    def location(self) -> str:
        return self.headers.get("location", "")


def follow(*links: str, method: str = "GET", client: str = "203.0.113.5", agent: str = PHONE, **headers: str) -> Any:
    """Follow links through the application itself: one visit, or a list where there are several.

    A link may be the whole address as it stands in a text.
    """

    async def scenario() -> list[Visit]:
        door = LinkDoor()
        try:
            return [await _one(door, link, method, client, {"user-agent": agent} | headers) for link in links]
        finally:
            await door.close()

    visits = asyncio.run(scenario())
    return visits[0] if len(links) == 1 else visits


async def _one(door: LinkDoor, link: str, method: str, client: str, headers: dict[str, str]) -> Visit:
    path = PREFIX + link.partition(PREFIX)[2] if PREFIX + "/" in link else link
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "client": (client, 40_000),
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items() if value],
    }
    events: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    async def send(event: Any) -> None:
        events.append(event)

    await door(scope, receive, send)
    return Visit(events)
