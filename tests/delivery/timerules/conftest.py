import pytest
from pytest_django.fixtures import Settings

from delivery.models import AllowedHours, FrequencyCap


@pytest.fixture
def bound(settings: Settings, transactional_db: None) -> None:
    """Time rules are about reminders and bulk, as by default; none is written yet."""
    settings.TIME_RULES_LANES = ["reminder", "bulk"]
    AllowedHours.objects.all().delete()
    FrequencyCap.objects.all().delete()
