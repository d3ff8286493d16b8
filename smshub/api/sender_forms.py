"""Which senders a form offers for a key or for a login of one."""

from typing import Any

from django import forms

from delivery import testcarrier
from smshub.api import keys
from smshub.api.models import ApiKey


class WithSenders(forms.ModelForm):
    """A form with `senders`, none of which is the test carrier's, and none at all for what is of a test key."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "senders" in self.fields:
            senders: Any = self.fields["senders"]
            senders.queryset = testcarrier.live_senders()

    def is_of_test_key(self, cleaned: dict[str, Any]) -> bool:
        """Of a login: by its key."""
        key: ApiKey | None = cleaned.get("api_key") or getattr(self.instance, "api_key", None)
        return key is not None and key.is_test

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        try:
            keys.check_senders(cleaned.get("senders") or (), is_test=self.is_of_test_key(cleaned))
        except ValueError as error:
            self.add_error("senders", str(error))
        return cleaned
