"""The hub's own keywords and what is answered to keywords, over HTTP."""

from typing import Any

from contacts.api.fields import RelatedId, StrictModel
from contacts.api.refusals import Invalid
from delivery.api.setting_up import RemovableViewSet
from delivery.inbound import confirmation_lint, own_words
from delivery.models import TEST_PROVIDER, ConfirmationText, Keyword, Sender

LIVE_SENDERS = Sender.objects.exclude(provider_id=TEST_PROVIDER)


class KeywordSerializer(StrictModel):
    sender = RelatedId(
        queryset=LIVE_SENDERS, required=False, allow_null=True, help_text="Texts to this one; null: to any."
    )

    class Meta:
        model = Keyword
        fields = ["id", "word", "meaning", "sender", "created_at"]


class ConfirmationTextSerializer(StrictModel):
    sender = RelatedId(
        queryset=LIVE_SENDERS, required=False, allow_null=True, help_text="Answers of this one; null: of any."
    )

    class Meta:
        model = ConfirmationText
        fields = ["id", "meaning", "language", "sender", "body"]
        validators: list[Any] = []


class KeywordViewSet(RemovableViewSet):
    """Words that are honoured beside those that every hub knows."""

    scope = "keywords"
    queryset = Keyword.objects.all()
    serializer_class = KeywordSerializer

    def keep(self, thing: Keyword, given: dict[str, Any], changed: set[str]) -> None:
        own_words.save(thing)


class ConfirmationTextViewSet(RemovableViewSet):
    """What is answered to a keyword, in place of the hub's own text."""

    scope = "keywords"
    queryset = ConfirmationText.objects.all()
    serializer_class = ConfirmationTextSerializer

    def keep(self, thing: ConfirmationText, given: dict[str, Any], changed: set[str]) -> None:
        if found := confirmation_lint.problems(thing):
            raise Invalid("body", " ".join(found))
        thing.save()
