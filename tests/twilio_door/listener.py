"""An application's web server: what is posted to it, in order, and whether the SDK's own validator believes it."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from aiohttp import web
from multidict import MultiDict
from twilio.request_validator import RequestValidator

from delivery.runtime import AlwaysRunning


@dataclass(frozen=True)
class Post:
    path: str
    fields: dict[str, str]
    headers: dict[str, str]
    valid: bool


@dataclass
class Listener:
    """`answers` by path, each used once, then 200 with `twiml`: a status, or what makes the answer."""

    auth_token: str
    posts: list[Post] = field(default_factory=list)
    answers: defaultdict[str, list[int | Callable[[], web.Response]]] = field(default_factory=lambda: defaultdict(list))
    twiml: str = "<Response/>"
    url: str = ""
    gates: dict[str, asyncio.Event] = field(default_factory=dict)
    """Posts to these paths are answered when the gate is opened."""

    async def take(self, request: web.BaseRequest) -> web.Response:
        form: MultiDict[str] = MultiDict((name, str(value)) for name, value in (await request.post()).items())
        fields = dict(form)
        signature = request.headers.get("X-Twilio-Signature", "")
        url = self.url + request.raw_path
        valid = RequestValidator(self.auth_token).validate(url, fields, signature)
        path = request.raw_path
        self.posts.append(Post(path, fields, dict(request.headers), bool(valid)))
        if gate := self.gates.get(path):
            await gate.wait()
        answer = self.answers[path].pop(0) if self.answers[path] else 200
        if callable(answer):
            return answer()
        return web.Response(status=answer, text=self.twiml, content_type="text/xml")

    def words(self, path: str | None = None) -> list[str]:
        return [
            post.fields.get("MessageStatus", post.fields.get("SmsStatus", ""))
            for post in self.posts
            if path is None or post.path == path
        ]


@asynccontextmanager
async def listening(auth_token: str) -> AsyncIterator[Listener]:
    listener = Listener(auth_token)
    runner = web.ServerRunner(web.Server(listener.take), shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        listener.url = f"http://{host}:{port}"
        yield listener
    finally:
        await runner.cleanup()


@contextmanager
def listening_beside(auth_token: str) -> Iterator[Listener]:
    """The same on a loop of its own, for a test that waits in its own thread."""
    loop, server = AlwaysRunning(), listening(auth_token)
    listener = loop.run(server.__aenter__())  # type: ignore[arg-type]
    try:
        yield listener
    finally:
        loop.run(server.__aexit__(None, None, None))  # type: ignore[arg-type]
        loop.close()
