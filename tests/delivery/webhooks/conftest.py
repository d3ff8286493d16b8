"""A courier in the test's own process, on its own event loop and its own connections."""

from collections.abc import Iterator
from typing import Any

import pytest

from delivery.webhooks.courier import Courier


@pytest.fixture(autouse=True)
def _private_addresses_allowed(settings: Any) -> None:
    settings.ALLOW_PRIVATE_WEBHOOK_URLS = True


@pytest.fixture
def courier(transactional_db: None, _private_addresses_allowed: None) -> Iterator[Courier]:
    courier = Courier()
    courier.start()
    yield courier
    courier.close()
