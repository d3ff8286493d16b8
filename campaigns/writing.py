"""A campaign's texts as they are written: kept with the draft word by word, versions of templates when they are done.

A text that is a template's own, to the letter, is that template. Any other becomes a version of a template that belongs
to the campaign alone and is not offered to others; so nothing that is edited here changes what others send.
"""

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


def text(written: Written) -> str:
    """What it says at the moment, finished or not."""
    if written.draft_text or written.template is None:
        return written.draft_text
    version = templates.latest(written.template)
    return version.body if version else ""


def translation(written: Written, language: str) -> str:
    """What somebody with this language gets in its place; empty: the text itself."""
    version = templates.latest(written.template) if written.template else None
    tag = languages.choose(frozenset(version.translations), language) if version else languages.DEFAULT
    return version.translations[tag] if version and tag else ""


def keep(written: Written, body: str) -> None:
    """What has been typed so far, right or wrong. The caller holds the draft's lock."""
    version = templates.latest(written.template) if written.template else None
    written.draft_text = "" if version and version.body == body else body
    written.save(update_fields=["draft_text"])


def take(written: Written, template: Template) -> None:
    """The template's text in the place of whatever was written. The caller holds the draft's lock."""
    written.template, written.draft_text = template, ""
    written.save(update_fields=["template", "draft_text"])


def finish(written: Written, actor: AbstractBaseUser | None) -> TemplateVersion | None:
    """What was typed becomes a version; None: nothing was. The caller holds the draft's lock.

    Raises InvalidTemplate, and leaves the text as it is.
    """
    if not written.draft_text:
        return None
    before = written.template
    last = templates.latest(before) if before else None
    with transaction.atomic():
        own = before if before and _is_own(written, before) else _new(written)
        version = templates.save_version(
            template=own,
            body=written.draft_text,
            translations=last.translations if last else None,
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
