"""An application that calls the door with its credentials, and the messages that came of it."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.test import Client

from delivery.models import Message, Sender
from smshub.api import keys
from smshub.api.models import TwilioLogin
from smshub.twilio_door import logins, resource
from smshub.twilio_door.logins import Issued
from tests.factories import SenderFactory

TO = "+14155550100"
ALL = ("messages:read", "messages:write", "inbound:read")


@dataclass
class Application:
    """Answers carry `.body`, the decoded JSON."""

    row: TwilioLogin
    issued: Issued
    sender: Sender

    @property
    def sid(self) -> str:
        return self.row.account_sid

    def __call__(self, method: str, path: str, form: dict[str, Any] | str = "", **options: Any) -> Any:
        credentials = options.pop("credentials", (self.sid, self.issued.auth_token))
        authorization = base64.b64encode(":".join(credentials).encode()).decode()
        content = form if isinstance(form, str) else urlencode(form, doseq=True)
        answer: Any = Client(raise_request_exception=False).generic(
            method,
            f"/2010-04-01/Accounts/{options.pop('account', self.sid)}{path}",
            content,
            options.pop("content_type", "application/x-www-form-urlencoded"),
            headers={"Authorization": f"Basic {authorization}"} | options.pop("headers", {}),
        )
        answer.body = json.loads(answer.content) if answer.content else None
        return answer

    def send(self, **changes: Any) -> Any:
        """A create that is in order, but for the changes; None leaves a field out."""
        form = {"To": TO, "From": self.sender.address, "Body": "Your table is ready."} | changes
        return self("POST", "/Messages.json", {name: value for name, value in form.items() if value is not None})

    def sent(self, **changes: Any) -> Message:
        answer = self.send(**changes)
        assert answer.status_code == 201, answer.body
        return Message.objects.get(pk=resource.id_of(answer.body["sid"]))

    def get(self, path: str, **query: Any) -> Any:
        return self("GET", f"{path}?{urlencode(query, quote_via=quote)}" if query else path)

    def one(self, message: Message) -> str:
        return f"/Messages/{resource.sid_of(message.pk)}.json"


def application(*scopes: str, sender: Sender | None = None, **fields: Any) -> Application:
    key, _ = keys.issue(name="Web shop", scopes=scopes or ALL, actor=None)
    sender = sender or SenderFactory()
    row, issued = logins.make(api_key=key, name="Web shop", actor=None, senders=[sender], **fields)
    return Application(row, issued, sender)


@pytest.fixture
def shop(db: None) -> Application:
    return application()


@pytest.fixture
def apply(db: None) -> Callable[..., Application]:
    """`apply("messages:read")` is an application with that scope alone."""
    return application


def refused(answer: Any) -> int:
    """The code of a refusal in Twilio's form; shows it if it is none."""
    document = answer.body
    assert set(document) == {"code", "message", "more_info", "status"}, document
    assert document["status"] == answer.status_code
    assert document["more_info"].endswith(f"/{document['code']}")
    return int(document["code"])
