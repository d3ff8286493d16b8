"""The console has no other side: what it took is what it logged."""

from collections.abc import Iterator
from contextlib import contextmanager

from structlog.testing import capture_logs

from delivery.providers.base import ProviderConfig
from delivery.providers.console import KIND
from tests.contract.harness import Can, Refusal, Taken, Trouble


class ConsoleHarness:
    kind = KIND
    can: frozenset[Can] = frozenset({Can.SEND, Can.ASK})
    refusals: tuple[Refusal, ...] = ()
    sender = "SMSHub"

    def start(self) -> None:
        self._capture = capture_logs()
        self._lines = self._capture.__enter__()

    def stop(self) -> None:
        self._capture.__exit__(None, None, None)

    def config(self, *, max_in_flight: int = 20) -> ProviderConfig:
        return ProviderConfig(id=2, settings={"show_bodies": True}, credentials={}, max_in_flight=max_in_flight)

    def taken(self, recipient: str) -> list[Taken]:
        return [
            Taken(f"console-{line['message_id']}-{line['attempt']}", recipient, line["text"])
            for line in self._lines
            if line["event"] == "console_message" and line["number"][-2:] == recipient[-2:]
        ]

    @contextmanager
    def trouble(self, trouble: Trouble) -> Iterator[ProviderConfig]:
        raise NotImplementedError("nothing can go wrong")

    @contextmanager
    def refusing(self, code: str) -> Iterator[None]:
        raise NotImplementedError("it refuses nothing")

    @contextmanager
    def limited(self, in_flight: int) -> Iterator[None]:
        raise NotImplementedError("it has no limit")

    def rotating(self) -> ProviderConfig:
        raise NotImplementedError("nothing is posted to us")

    other_account = rotating

    def text_us(self, *, phone: str, body: str, url: str) -> tuple[int, str]:
        raise NotImplementedError("nothing is posted to us")
