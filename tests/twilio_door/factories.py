"""As `tests.factories`."""

import factory
from factory.django import DjangoModelFactory

from smshub.api.models import TwilioLogin
from tests.factories import ApiKeyFactory


class TwilioLoginFactory(DjangoModelFactory):
    """A login whose secrets are known to nobody. Use the login-making verb to call the door."""

    class Meta:
        model = TwilioLogin

    api_key = factory.SubFactory(ApiKeyFactory)
    name = factory.Sequence(lambda n: f"Application {n}")
    account_sid = factory.Sequence(lambda n: f"AC{n:032x}")
    key_sid = factory.Sequence(lambda n: f"SK{n:032x}")
    key_secret_hash = b"\0" * 32
    secrets = factory.LazyFunction(dict)
