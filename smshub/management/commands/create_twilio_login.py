"""`manage.py create_twilio_login`: credentials for an application of Twilio's SDKs, printed once."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from delivery.models import Sender
from smshub.api.models import ApiKey
from smshub.twilio_door import creating, logins
from smshub.twilio_door.refusals import Refused


class Command(BaseCommand):
    help = "Make a Twilio login for an API key, and print its credentials. They cannot be shown again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="which application uses it")
        parser.add_argument("--api-key", required=True, help="prefix of the API key in whose name it acts")
        parser.add_argument("--sender", action="append", default=[], help="an address it may write as From; repeat")
        parser.add_argument("--sms-url", default="", help="where what people text to its senders is posted")

    def handle(self, *args: Any, name: str, api_key: str, sender: list[str], sms_url: str, **options: Any) -> None:
        key = ApiKey.objects.filter(prefix=api_key, revoked_at=None).first()
        if key is None:
            raise CommandError("There is no API key with this prefix, or it was revoked.")
        senders = list(Sender.objects.filter(address__in=sender))
        if missing := set(sender) - {each.address for each in senders}:
            raise CommandError(f"There is no sender {', '.join(sorted(missing))}.")
        try:
            url = creating.callback_url(sms_url)
        except Refused:
            raise CommandError("--sms-url is not an https:// address that can be called.") from None
        try:
            login, issued = logins.make(api_key=key, name=name, actor=None, senders=senders, sms_url=url)
        except ValueError as error:
            raise CommandError(str(error)) from None
        for label, value in {
            "Account SID": login.account_sid,
            "Auth token": issued.auth_token,
            "API key SID": login.key_sid,
            "API key secret": issued.key_secret,
            "Messaging service SID": login.service_sid,
        }.items():
            self.stdout.write(f"{label}: {value}")
