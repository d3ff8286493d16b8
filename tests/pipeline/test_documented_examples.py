"""The first ten minutes of docs/api.md, done as they stand there, by curl and by Python."""

import json
import os
import re
import shutil
import subprocess
import sys
from typing import Any

import pytest

from campaigns.models import Template
from delivery.models import Message
from smshub.api import keys
from tests.hub import ROOT, Hub, wait_for

pytestmark = pytest.mark.pipeline

_PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
FIRST = _PAGE.partition("## Ten minutes")[2].partition("\n## ")[0]
SHOWN_ID = "019a4f2e-7c1b-7d3a-9f55-2b8c1e0d4a67"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", FIRST, re.MULTILINE | re.DOTALL)


def make_key() -> str:
    """As the page does: one, for all that follows."""
    return keys.issue(name="Web shop", scopes=["contacts:*", "messages:*", "templates:*"], actor=None)[1]


def run(hub: Hub, key: str, *argv: str) -> str:
    environment = os.environ | {"SMSHUB": f"{hub.url}/api/v1", "KEY": key, "NO_PROXY": "127.0.0.1"}
    return subprocess.run(argv, env=environment, check=True, capture_output=True, text=True, timeout=60).stdout


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl on this machine")
def test_the_commands_do_what_the_page_says(hub: Hub) -> None:
    hub.provider()
    key = make_key()
    look, send, follow = [block for block in blocks("sh") if block.startswith("curl")]

    assert json.loads(run(hub, key, "sh", "-c", look))["name"] == "Web shop"
    sent: dict[str, Any] = json.loads(run(hub, key, "sh", "-c", send))
    assert sent["status"] == "queued"
    followed = json.loads(run(hub, key, "sh", "-c", follow.replace(SHOWN_ID, sent["id"])))
    assert followed["id"] == sent["id"]
    assert followed["explanation"]["status"]


def test_the_program_does_the_same(hub: Hub) -> None:
    hub.provider()
    (program,) = blocks("python")

    message, status = run(hub, make_key(), sys.executable, "-c", program).split()

    assert status == "queued"
    assert Template.objects.get().name == "Code"
    wait_for(lambda: Message.objects.get(pk=message).status == "delivered", seconds=30, what="delivery")
