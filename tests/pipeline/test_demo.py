"""The demo as `make run` and `make demo` show it, from the launch to what it says in the end."""

import io
import threading

import pytest
from rich.console import Console

from smshub.quickstart import demo
from tests.hub import Hub

pytestmark = pytest.mark.pipeline

CONTACTS = 60


def test_the_demo_ends_with_a_summary_and_the_carriers_word(hub: Hub) -> None:
    demo.seed(contacts=CONTACTS, simulator_url=hub.carrier_url)
    said = io.StringIO()

    status = demo.run(
        web_url=hub.url,
        simulator_url=hub.carrier_url,
        contacts=CONTACTS,
        stopping=threading.Event(),
        console=Console(file=said, width=120),
    )

    assert status == 0
    assert "Delivered" in said.getvalue()
    assert "none twice, none missing" in said.getvalue()
