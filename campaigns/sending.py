"""Single messages as systems ask for them: by a text or a template, now, at a moment, or by the recipient's clock."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from django.db import transaction

from campaigns import languages, templating
from campaigns.links.single import SingleLinks
from campaigns.models import Template, TemplateVersion
from contacts.api.fields import did_you_mean
from delivery import clock, submit
from delivery.ids import new_message_id
from delivery.lanes import Lane
from delivery.models import Message, Sender
from delivery.smart_encoding import to_gsm
from delivery.submit import Row
from delivery.submitting.drafts import Draft, Request, SubmitError
from delivery.submitting.forecast import Forecast, forecast
from delivery.submitting.local_time import moments

_Told = TypeVar("_Told")


@dataclass(frozen=True, slots=True)
class Wanted:
    """One message as it is asked for: by `body` or by `template`, from `send_at` or `send_at_local` on, or at once.

    `send_at_local` has no zone: it is the recipient's. `valid_for` is in seconds, from then on.
    """

    to: str = field(repr=False)
    body: str = field(default="", repr=False)
    template: Template | None = None
    variables: Mapping[str, Any] = field(default_factory=dict, repr=False)
    lane: Lane = Lane.TRANSACTIONAL
    sender: Sender | None = None
    send_at: datetime | None = None
    send_at_local: datetime | None = None
    valid_for: int | None = None
    request: Request | None = None


def send(wanted: Wanted) -> Message:
    """Queue it. Raises SubmitError."""
    texts = _Texts([wanted])
    (draft,) = _drafts([wanted], texts)
    if isinstance(draft, SubmitError):
        raise draft
    if not texts.links:
        return submit.submit_draft(draft)
    # A caller's transaction goes on after a message that was refused.
    with transaction.atomic():
        message = submit.submit_draft(draft)
        texts.links.save([message])
    return message


def send_each(wanted: Sequence[Wanted]) -> list[Row | SubmitError]:
    """Queue those that can be, in the caller's transaction; of each what became of it, in order.

    The number of statements does not depend on how many they are: each template is read and parsed once.
    """
    texts = _Texts(wanted)
    found = _passed_on(_drafts(wanted, texts), submit.submit_each)
    texts.links.save([row for row in found if isinstance(row, Row)])
    return found


def forecasts(wanted: Sequence[Wanted]) -> list[Forecast | SubmitError]:
    """What would become of each, in order. Nothing is written: their links have the right length and lead nowhere."""
    return _passed_on(_drafts(wanted, _Texts(wanted, sample=True)), forecast)


def context(variables: Mapping[str, Any], *, phone: str = "") -> dict[str, object]:
    """Variables of a request as the data of a contact; a field's name may be among them."""
    rest = dict(variables)
    fields = {name: str(rest.pop(name)) for name in templating.CONTACT_FIELDS if rest.get(name) is not None}
    return templating.contact_context(**({"phone": phone} | fields), attributes=rest)


class _Texts:
    """The newest text of each template, and the links in what is made of them, to be saved with the messages; those of
    a `sample` lead nowhere."""

    def __init__(self, wanted: Sequence[Wanted], *, sample: bool = False) -> None:
        ids = {one.template.pk for one in wanted if one.template}
        newest = TemplateVersion.objects.filter(template__in=ids).order_by("template_id", "-number")
        self._versions = {version.template_id: version for version in newest.distinct("template_id")} if ids else {}
        self._parsed: dict[str, templating.ParsedTemplate] = {}
        self._sample = sample
        self.links = SingleLinks(self._versions.values(), messages=len(wanted))

    def render(self, message_id: UUID, template: Template, variables: Mapping[str, Any], phone: str) -> str:
        """Raises SubmitError."""
        version = self._versions.get(template.pk)
        if version is None:
            raise SubmitError("This template has no text yet.", about="template")
        try:
            own = context(variables, phone=phone)
            body = languages.text(version, str(own.get("language", "")))
            if body not in self._parsed:
                self._parsed[body] = templating.parse(body)
            short = self.links.sample(template.pk) if self._sample else self.links.context(template.pk, message_id, own)
            text = templating.render(self._parsed[body], own | short)
        except templating.MissingVariable as missing:
            hint = did_you_mean(missing.name, list(variables))
            raise SubmitError(f"The template needs “{missing.name}”.{hint}", about="variables") from None
        except templating.TemplateError as error:
            raise SubmitError(f"The template cannot be rendered: {error}.", about="template") from None
        return to_gsm(text) if version.smart_encoding else text


def _drafts(wanted: Sequence[Wanted], texts: _Texts) -> list[Draft | SubmitError]:
    """Each of them rendered and timed, or what is wrong with it, in order."""
    now = clock.now() if any(one.valid_for for one in wanted) else None
    local = [(n, one.to, one.send_at_local) for n, one in enumerate(wanted) if one.send_at_local]
    found = moments([(to, at) for _, to, at in local])
    at_local = {n: moment for (n, _, _), moment in zip(local, found, strict=True)}
    return [_draft(one, at_local.get(n, one.send_at), texts, now) for n, one in enumerate(wanted)]


def _passed_on(
    found: Sequence[Draft | SubmitError], to: Callable[[list[Draft]], Sequence[_Told | SubmitError]]
) -> list[_Told | SubmitError]:
    """Drafts give way to what is told of them."""
    told = iter(to([one for one in found if isinstance(one, Draft)]))
    return [next(told) if isinstance(one, Draft) else one for one in found]


def _draft(
    one: Wanted, not_before: datetime | SubmitError | None, texts: _Texts, now: datetime | None
) -> Draft | SubmitError:
    if isinstance(not_before, SubmitError):
        return not_before
    message_id = new_message_id()
    try:
        body = texts.render(message_id, one.template, one.variables, one.to) if one.template else one.body
    except SubmitError as error:
        return error
    valid_until = None
    if one.valid_for and now:
        valid_until = max(now, not_before or now) + timedelta(seconds=one.valid_for)
    return Draft(
        recipient=one.to,
        body=body,
        lane=one.lane,
        sender=one.sender,
        not_before=not_before,
        valid_until=valid_until,
        request=one.request,
        id=message_id,
    )
