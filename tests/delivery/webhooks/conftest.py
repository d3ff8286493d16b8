"""A courier in the test's own process, on its own event loop and its own connections."""

from collections.abc import Iterator

import pytest

from delivery.webhooks.courier import Courier


@pytest.fixture
def courier(transactional_db: None) -> Iterator[Courier]:
    courier = Courier()
    courier.start()
    yield courier
    courier.close()
