"""Texts as they are being written, each as one person after another of the audience will see it in their language, with
what is wrong and what could be better."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from campaigns import (
    audience,
    audience_rules,
    headcount,
    languages,
    optout_lint,
    simpler,
    templates,
    templating,
    writing,
)
from campaigns.admin import translations
from campaigns.admin.texts import pieces, replacements
from campaigns.admin.translations import PREFIX, Typed
from campaigns.audience_rules import RulesError
from campaigns.headcount import Speakers, TooLong
from campaigns.languages import DEFAULT
from campaigns.links import targets
from campaigns.links import texts as links
from campaigns.models import Campaign, Template
from campaigns.templates import Preview
from campaigns.templating import MAX_TEMPLATE
from contacts import masking
from contacts.masking import may_see_people
from contacts.models import Contact

#: How many people of the audience are leafed through.
PEOPLE = 50
#: How long may be counted, each time that somebody stops typing, who reads which language.
COUNT_MS = 400
#: Asks for the text for everybody, where a language could be asked for.
EVERYBODY = "-"


@dataclass(frozen=True, slots=True)
class Texts:
    """What was posted: `by_language`, that for everybody first. `wrong` says what keeps a row from being anybody's, and
    which short links lead nowhere."""

    by_language: Mapping[str, Typed]
    smart: bool
    wrong: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """One of several languages, measured for the first of its readers, or a made-up one. `asked` asks for it; so many
    `readers` of the whole audience get it, None where they could not be counted in time. `opt_out` is what it should
    still say, and `field` the id of its text on the page, if it can be changed there."""

    language: str
    asked: str
    readers: int | None
    preview: Preview
    opt_out: str
    field: str


@dataclass(frozen=True, slots=True)
class Leafing:
    """The people to leaf through: none for who may not see people, and with their numbers masked for who may not see
    these. `unreadable` says what is wrong with the rules of the audience, if anything."""

    people: tuple[Contact, ...]
    unreadable: str = ""

    def readers(self, known: Iterable[str], tag: str) -> list[int]:
        """Numbers of the people who get this one of the texts in these languages."""
        return [n for n, person in enumerate(self.people) if languages.pick(known, person.language) == tag]


def of_message(campaign: Campaign, request: HttpRequest) -> dict[str, Any]:
    """The posted text for the person asked for by number, or for the first who reads the language asked for."""
    url = reverse("admin:campaigns_campaign_preview", args=[campaign.pk])
    return _leafed(campaign, request, _posted(request, "text", PREFIX, campaign, campaign), url)


def of_draft(campaign: Campaign, request: HttpRequest) -> dict[str, Any]:
    """The same of the text as it is kept, for who reads it over."""
    by_language = {tag: Typed(tag, body, "") for tag, body in writing.texts(campaign).items()}
    version = templates.latest(campaign.template) if campaign.template else None
    texts = Texts(by_language, version.smart_encoding if version else True)
    return _leafed(campaign, request, texts, reverse("admin:campaigns_campaign_reading", args=[campaign.pk]))


def _leafed(campaign: Campaign, request: HttpRequest, texts: Texts, url: str) -> dict[str, Any]:
    leafing = _leafing(campaign, request)
    at = _number(request, leafing)
    tag = _theirs(texts, leafing, at)
    asked = request.POST.get("read_in", "")
    wanted = DEFAULT if asked == EVERYBODY else asked
    if asked and wanted in texts.by_language:
        tag = wanted
        at = next(iter(leafing.readers(texts.by_language, tag)), None)
    behind = 0 if at is None else at + 1
    return {
        **_shown(campaign, texts, tag, leafing, at),
        "preview_url": url,
        "asked": asked if at is None else "",
        "at": at or 0,
        "shown_as": behind,
        "before": at - 1 if at else None,
        "after": behind if behind < len(leafing.people) else None,
    }


def of_variant(campaign: Campaign, request: HttpRequest, letter: str) -> dict[str, Any]:
    """The posted text of one variant, or that of the template it takes, for the person that the campaign's own is shown
    for."""
    template = _template(request.POST.get(f"{letter}_use", ""))
    prefix = f"{letter}_{PREFIX}"
    texts = _of_template(template) if template else _posted(request, f"{letter}_text", prefix, campaign, None)
    leafing = _leafing(campaign, request)
    at = _number(request, leafing)
    return _shown(campaign, texts, _theirs(texts, leafing, at), leafing, at)


def _shown(campaign: Campaign, texts: Texts, tag: str, leafing: Leafing, at: int | None) -> dict[str, Any]:
    """The text in one language, for one of the people or a made-up one; and all languages where there are several."""
    known = templates.known_variables()

    def preview(typed: Typed, contact: Contact | None) -> Preview:
        return templates.preview(body=typed.body, smart_encoding=texts.smart, contact=contact, known=known)

    def line(language: str, typed: Typed) -> Line:
        leafed = leafing.readers(texts.by_language, language)
        measured = preview(typed, leafing.people[leafed[0]] if leafed else None)
        readers = speakers.readers(texts.by_language, language) if speakers else None
        opt_out = optout_lint.lacking(campaign, language, typed.body)
        return Line(language, language or EVERYBODY, readers, measured, opt_out, typed.field)

    text = texts.by_language[tag]
    person = leafing.people[at] if at is not None else None
    shown = preview(text, person)
    several = len(texts.by_language) > 1
    speakers = _speakers(campaign) if several and not leafing.unreadable else None
    return {
        "campaign": campaign,
        "preview": shown,
        "pieces": pieces(shown),
        "replacements": replacements(shown),
        "language": tag,
        "field": text.field,
        "fixes": simpler.fixes(text.body, shown.segmentation.forcing) if text.field else (),
        "opt_out": optout_lint.lacking(campaign, tag, text.body),
        "person": person,
        "people": len(leafing.people),
        "more": len(leafing.people) == PEOPLE,
        "speakers": speakers,
        "lines": [line(*one) for one in texts.by_language.items()] if several else [],
        "wrong": texts.wrong,
        "unreadable": leafing.unreadable,
    }


def _speakers(campaign: Campaign) -> Speakers | None:
    """None where there are too many to be counted while somebody types."""
    try:
        return headcount.speakers(campaign, milliseconds=COUNT_MS)
    except (TooLong, RulesError):
        return None


def _leafing(campaign: Campaign, request: HttpRequest) -> Leafing:
    if not may_see_people(request.user):
        return Leafing(())
    try:
        people = tuple(audience.sample(campaign, PEOPLE))
    except RulesError as error:
        return Leafing((), audience_rules.unreadable(error))
    for person in people:
        person.phone = masking.shown(person.phone, request.user)
    return Leafing(people)


def _number(request: HttpRequest, leafing: Leafing) -> int | None:
    """Of the person asked for; None: there is nobody."""
    asked = request.POST.get("person", "0")
    given = int(asked) if asked.isdecimal() and len(asked) < 4 else 0
    return min(given, len(leafing.people) - 1) if leafing.people else None


def _theirs(texts: Texts, leafing: Leafing, at: int | None) -> str:
    """The language of the text that this one of the people gets."""
    return DEFAULT if at is None else languages.pick(texts.by_language, leafing.people[at].language)


def _posted(request: HttpRequest, text: str, prefix: str, campaign: Campaign, written: Campaign | None) -> Texts:
    """What is being written; of languages that the post says nothing about, what there was. It is encoded as the
    template that it began as."""
    body = request.POST.get(text, "")[: MAX_TEMPLATE + 1].replace("\r\n", "\n")
    rows = translations.rows(request.POST, (), prefix)
    others = translations.typed(rows)
    if written and not rows.is_bound:
        others = [Typed(tag, its, "") for tag, its in writing.translations(written)]
    version = templates.latest(written.template) if written and written.template else None
    by_language = {DEFAULT: Typed(DEFAULT, body, f"id_{text}"), **languages.readable(others)}
    wrong = (*_of_nobody(others), *_lost(campaign, by_language, request.POST.get("link", "")))
    return Texts(by_language, version.smart_encoding if version else True, wrong)


def _of_nobody(rows: Iterable[Typed]) -> Iterator[str]:
    """What keeps one of the rows from being anybody's, in a sentence."""
    try:
        languages.normalised((row.language, row.body) for row in rows)
    except ValueError as error:
        yield str(error)


def _lost(campaign: Campaign, by_language: Mapping[str, Typed], target: str) -> Sequence[str]:
    """Which links lead nowhere; `target` is being typed for the one that has no name. Nothing of texts that are
    unfinished."""
    bodies = {tag: typed.body for tag, typed in by_language.items()}
    try:
        found = links.lint(campaign, {campaign.template_id or 0: bodies})
    except templating.TemplateError:
        return ()
    return replace(found, lost=found.lost - {targets.DEFAULT}).problems if target.strip() else found.problems


def _of_template(template: Template) -> Texts:
    version = templates.latest(template)
    found = languages.texts(version) if version else {DEFAULT: ""}
    by_language = {tag: Typed(tag, body, "") for tag, body in found.items()}
    return Texts(by_language, version.smart_encoding if version else True)


def _template(chosen: str) -> Template | None:
    return Template.objects.filter(pk=int(chosen)).first() if chosen.isdecimal() and len(chosen) < 19 else None
