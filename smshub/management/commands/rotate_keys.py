"""`manage.py rotate_keys`: seal with the first of FIELD_ENCRYPTION_KEYS what an older one had sealed."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from delivery import rotation
from delivery.encryption import CannotDecrypt
from smshub.twilio_door import logins


class Command(BaseCommand):
    help = "Seal credentials, text keys and all other secrets anew, with the first of FIELD_ENCRYPTION_KEYS."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with transaction.atomic():
                rotated, tokens = rotation.rotate(), logins.reseal()
        except CannotDecrypt as error:
            raise CommandError(f"{error} Nothing was changed.") from None
        self.stdout.write(
            f"Sealed anew: the credentials of {rotated.providers} providers, the text keys of {rotated.months} months, "
            f"{rotated.others} rows with other secrets, the tokens of {tokens} Twilio logins. "
            "Older keys are needed for backups only."
        )
