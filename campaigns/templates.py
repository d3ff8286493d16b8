"""Templates as staff edit them: saved in versions that never change, and previewed as the recipient will see them."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from campaigns import answer_lint, audience, languages, templating
from campaigns.errors import InvalidTemplate
from campaigns.links import texts as links
from campaigns.links.targets import DEFAULT
from campaigns.models import Template, TemplateVersion
from campaigns.reminders.texts import FIELDS as OF_APPOINTMENTS
from campaigns.templating import Problem, ProblemKind
from contacts.models import Contact
from delivery.segments import Forcing, Segmentation, measure
from delivery.smart_encoding import Change, changes, to_gsm

#: Variables that texts may have without any contact's having them.
_NOT_OF_CONTACTS = {"appointment", *(f"appointment.{name}" for name in OF_APPOINTMENTS), DEFAULT, links.GROUP}


def offered() -> QuerySet[Template]:
    """Those that may be chosen for something new: neither put away nor written within one campaign."""
    return Template.objects.filter(archived=False, of_campaign=False)


def latest(template: Template) -> TemplateVersion | None:
    return template.versions.order_by("-number").first()


def save_version(
    *,
    template: Template,
    body: str,
    smart_encoding: bool,
    actor: AbstractBaseUser | None,
    translations: Mapping[str, str] | None = None,
) -> TemplateVersion:
    """The template's newest version, made now if a text or the encoding changed. Raises InvalidTemplate, and ValueError
    for `translations` (by language tag; None: those of the last version) that `languages.normalised` refuses.

    A variable that no contact has (yet) is no reason to refuse: `preview` points it out, and a launch counts the
    contacts that lack it.
    """
    body = _line_feeds(body)
    others = None if translations is None else languages.normalised(translations.items())
    others = others and {tag: _line_feeds(text) for tag, text in others.items()}
    for tag, text in {languages.DEFAULT: body, **(others or {})}.items():
        if found := problems(text):
            raise InvalidTemplate(found, tag)
    with transaction.atomic():
        # Two saves at once queue up here, and get two numbers.
        locked = Template.objects.select_for_update(no_key=True).get(pk=template.pk)
        last = latest(locked)
        if others is None:
            others = last.translations if last else {}
        if last and (last.body, last.smart_encoding, last.translations) == (body, smart_encoding, others):
            return last
        return TemplateVersion.objects.create(
            template=locked,
            number=last.number + 1 if last else 1,
            body=body,
            translations=others,
            smart_encoding=smart_encoding,
            variables=_variables([body, *others.values()]),
            created_by_id=actor.pk if actor else None,
        )


def _variables(texts: Iterable[str]) -> list[str]:
    """Names that any of the texts uses, in order of first use."""
    return list(dict.fromkeys(variable.name for text in texts for variable in templating.variables(text)))


def _line_feeds(body: str) -> str:
    return body.replace("\r\n", "\n")


def problems(body: str) -> tuple[Problem, ...]:
    """What must be corrected before the text can be saved."""
    if not body.strip():
        return (Problem(ProblemKind.SYNTAX, _("the text is empty"), 1, 1),)
    wrong = (found for found in templating.check(body, ()) if found.kind is not ProblemKind.UNKNOWN_VARIABLE)
    return (*wrong, *answer_lint.problems(body))


def known_variables() -> frozenset[str]:
    """What a text may name without anybody being surprised."""
    return audience.known_variables() | _NOT_OF_CONTACTS


@dataclass(frozen=True, slots=True)
class Preview:
    """What one recipient would get, what smart encoding replaced in it, and what is wrong (with or without a text).

    `hints` say what could be shorter. `unwritten`: there is no text yet, which is no mistake while one is
    typed.
    """

    text: str
    segmentation: Segmentation
    problems: tuple[Problem, ...]
    replaced: tuple[Change, ...]
    hints: tuple[str, ...] = ()
    unwritten: bool = False

    @property
    def forcing(self) -> list[Forcing]:
        """The characters that GSM-7 cannot carry, each once."""
        return list({each.char: each for each in reversed(self.segmentation.forcing)}.values())[::-1]


def preview(
    *,
    body: str,
    smart_encoding: bool,
    contact: Contact | None = None,
    context: Mapping[str, object] | None = None,
    known: Collection[str] | None = None,
) -> Preview:
    """The text for a contact, for a context of `templating.contact_context`, or else for made-up data.

    `known`: the `known_variables`, where somebody looks at several texts. The text is empty when there are problems
    that keep it from being rendered. Raises nothing.
    """
    body = _line_feeds(body)
    if contact is not None:
        context = context_of(contact)
    elif context is None:
        context = sample_context(body)
    found = list(problems(body) or templating.check(body, known_variables() if known is None else known))
    text, replaced = "", []
    try:
        text = templating.render(templating.parse(body), links.sample_context(links.used(body)) | dict(context))
    except templating.TemplateError as error:
        if not any(problem.kind is not ProblemKind.UNKNOWN_VARIABLE for problem in found):
            found.append(Problem(ProblemKind.SAMPLE, error.message, error.line, error.column))
    if smart_encoding:
        replaced = changes(text)
        text = to_gsm(text)
    return Preview(text, measure(text), tuple(found), tuple(replaced), links.long_addresses(text), not body.strip())


def context_of(contact: Contact) -> dict[str, object]:
    return templating.contact_context(
        name=contact.name,
        phone=contact.phone,
        language=contact.language,
        country=contact.country,
        attributes=contact.attributes,
    )


def sample_context(body: str) -> dict[str, object]:
    """Made-up data for every variable of a text, readable enough to judge its length by."""
    try:
        names = [variable.name for variable in templating.variables(body)]
    except templating.TemplateError:
        names = []
    attributes: dict[str, object] = {}
    own = {*audience.COLUMNS, "first_name", *(name for name in names if links.name_of(name))}
    for name in sorted(set(names) - own, key=lambda name: -name.count(".")):
        _place(attributes, [part for part in name.removeprefix("attributes.").split(".") if part])
    return templating.contact_context(
        name="Ada Byron", phone="+14155550123", language="en", country="US", attributes=attributes
    )


def _place(data: dict[str, object], path: Iterable[str]) -> None:
    *above, last = path
    for part in above:
        below = data.setdefault(part, {})
        if not isinstance(below, dict):
            return
        data = below
    data.setdefault(last, _sample(last))


def _sample(name: str) -> str:
    words = name.replace("-", "_").split("_")
    if words == ["day"]:
        return "Tuesday"
    if words[-1] in ("date", "day", "on"):
        return "2030-01-15"
    if words[-1] == "time":
        return "14:30"
    if "date" in words or "time" in words or words[-1] == "at":
        return "2030-01-15 14:30"
    if words[-1] in ("count", "number", "amount", "price", "total", "age"):
        return "42"
    return " ".join(words).capitalize()
