"""A campaign's texts as they are written: kept with the draft word by word, versions of templates when they are done.

A text that is a template's own, to the letter, is that template. Any other becomes a version of a template that belongs
to the campaign alone and is not offered to others; so nothing that is edited here changes what others send.
"""

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import QuerySet

from campaigns import languages, templates
from campaigns.links import texts as links
from campaigns.models import Campaign, Template, TemplateVersion, Variant

_LONGEST_NAME = Template._meta.get_field("name").max_length or 0

#: What has a text of its own: a campaign, or one of its variants.
Written = Campaign | Variant

#: Language tags and texts in the order of the page, as they are typed: either may be wrong, or missing.
Rows = Sequence[tuple[str, str]]

#: The columns of what nobody is writing.
NOTHING: Mapping[str, Any] = {"draft_text": "", "draft_translations": None}


def is_unfinished(written: Written) -> bool:
    """Whether something was typed that is no version yet."""
    return bool(written.draft_text) or written.draft_translations is not None


def is_written_here(written: Written) -> bool:
    """Rather than the text of a template that others may have too."""
    return written.template is None or written.template.of_campaign or is_unfinished(written)


def text(written: Written) -> str:
    """What it says at the moment to everybody whose language has no text, finished or not."""
    if is_unfinished(written) or written.template is None:
        return written.draft_text
    version = templates.latest(written.template)
    return version.body if version else ""


def translations(written: Written) -> list[tuple[str, str]]:
    """What it says at the moment in other languages, finished or not."""
    if written.draft_translations is not None:
        return [(tag, body) for tag, body in written.draft_translations]
    version = templates.latest(written.template) if written.template else None
    return list(version.translations.items()) if version else []


def texts(written: Written) -> dict[str, str]:
    """All of that by language, the one for everybody first; without what has no language yet, or no text."""
    others = languages.readable(translations(written))
    return {languages.DEFAULT: text(written), **{tag: body for tag, (_, body) in others.items()}}


def keep(written: Written, body: str, others: Rows | None = None) -> None:
    """What has been typed so far, right or wrong; None: in other languages what there was. The caller holds the draft's
    lock."""
    rows = translations(written) if others is None else list(others)
    version = templates.latest(written.template) if written.template else None
    as_it_is = version and (version.body, sorted(version.translations.items())) == (body, sorted(rows))
    nothing_yet = version is None and not rows
    written.draft_text = "" if as_it_is else body
    written.draft_translations = None if as_it_is or nothing_yet else rows
    written.save(update_fields=[*NOTHING])


def take(written: Written, template: Template) -> None:
    """The template's texts in the place of whatever was written. The caller holds the draft's lock."""
    written.template = template
    for column, nothing in NOTHING.items():
        setattr(written, column, nothing)
    written.save(update_fields=["template", *NOTHING])


def finish(written: Written, actor: AbstractBaseUser | None) -> TemplateVersion | None:
    """What was typed becomes a version; None: nothing was. The caller holds the draft's lock.

    Raises InvalidTemplate, and ValueError for languages that `languages.normalised` refuses, and leaves the texts as
    they are.
    """
    if not is_unfinished(written):
        return None
    others = languages.normalised(translations(written))
    before = written.template
    last = templates.latest(before) if before else None
    with transaction.atomic():
        own = before if before and _is_own(written, before) else _new(written)
        version = templates.save_version(
            template=own,
            body=text(written),
            translations=others,
            smart_encoding=last.smart_encoding if last else True,
            actor=actor,
        )
        if before and before != own:
            # Where the links of the text lead goes with it.
            campaign = written if isinstance(written, Campaign) else written.campaign
            links.freeze(campaign, {before.pk: languages.texts(version)})
        take(written, own)
    return version


def _is_own(written: Written, template: Template) -> bool:
    """Whether nobody else has it."""
    users: tuple[QuerySet[Any], ...] = (
        Campaign.objects.filter(template=template),
        Variant.objects.filter(template=template),
    )
    others = (used.exclude(pk=written.pk) if isinstance(written, used.model) else used for used in users)
    return template.of_campaign and not any(used.exists() for used in others)


def _new(written: Written) -> Template:
    """Called like the campaign, a variant's with its letter, with a number behind it where that name is taken."""
    name = written.name if isinstance(written, Campaign) else f"{written.campaign.name} · {written.letter}"
    for number in count(1):
        ending = f" ({number})" if number > 1 else ""
        template, made = Template.objects.get_or_create(
            name=name[: _LONGEST_NAME - len(ending)] + ending, defaults={"of_campaign": True}
        )
        if made:
            return template
    raise AssertionError("numbers do not end")
