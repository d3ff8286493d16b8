"""A client in Python is generated from the document that a running hub serves, checked by mypy, and used."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.urls import reverse

from campaigns.models import Campaign
from delivery.models import Message
from smshub.api import keys
from tests.hub import ROOT, Hub, wait_for

pytestmark = pytest.mark.pipeline

TOUR = ROOT / "tests" / "pipeline" / "client_tour.py"
BIN = Path(sys.executable).parent


def run(*argv: str | Path, folder: Path) -> str:
    environment = os.environ | {"PYTHONPATH": str(folder), "MYPYPATH": str(folder), "NO_PROXY": "127.0.0.1"}
    done = subprocess.run(
        [str(part) for part in argv], cwd=folder, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_a_typed_client_is_generated_and_runs_a_tour(hub: Hub, tmp_path: Path) -> None:
    hub.provider()
    _, key = keys.issue(name="Generated client", scopes=["*"], actor=None)

    told = run(
        *(BIN / "openapi-python-client", "generate", "--url", f"{hub.url}{reverse('openapi')}"),
        *("--config", ROOT / "docs" / "client.yml", "--meta", "none", "--output-path", "hub_client"),
        folder=tmp_path,
    )
    assert "arning" not in told

    run(BIN / "mypy", "--strict", "--config-file=", "--cache-dir=.mypy", "hub_client", TOUR, folder=tmp_path)
    campaign, message = run(sys.executable, TOUR, hub.url, key, folder=tmp_path).split()

    wait_for(lambda: Message.objects.get(pk=message).status == "delivered", seconds=30, what="delivery of the message")
    wait_for(lambda: Campaign.objects.get(pk=campaign).status == "completed", seconds=60, what="the campaign's end")
    assert len(hub.carrier.ledger()) == 1 + 3 + 3
