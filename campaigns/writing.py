"""A campaign's text as it is written: kept with the draft word by word, and a version of a template when it is done.

A text that is a template's own, to the letter, is that template. Any other becomes a version of a template that belongs
to the campaign alone and is not offered to others; so nothing that is edited here changes what others send.
"""

from itertools import count

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from campaigns import templates
from campaigns.links import texts as links
from campaigns.models import Campaign, Template, TemplateVersion

_LONGEST_NAME = Template._meta.get_field("name").max_length or 0


def text(campaign: Campaign) -> str:
    """What it says at the moment, finished or not."""
    if campaign.draft_text or campaign.template is None:
        return campaign.draft_text
    version = templates.latest(campaign.template)
    return version.body if version else ""


def keep(campaign: Campaign, body: str) -> None:
    """What has been typed so far, right or wrong. The caller holds the draft's lock."""
    version = templates.latest(campaign.template) if campaign.template else None
    campaign.draft_text = "" if version and version.body == body else body
    campaign.save(update_fields=["draft_text"])


def take(campaign: Campaign, template: Template) -> None:
    """The template's text in the place of whatever was written. The caller holds the draft's lock."""
    campaign.template, campaign.draft_text = template, ""
    campaign.save(update_fields=["template", "draft_text"])


def finish(campaign: Campaign, actor: AbstractBaseUser | None) -> TemplateVersion | None:
    """What was typed becomes a version; None: nothing was. The caller holds the draft's lock.

    Raises InvalidTemplate, and leaves the text as it is.
    """
    if not campaign.draft_text:
        return None
    before = campaign.template
    last = templates.latest(before) if before else None
    with transaction.atomic():
        own = before if before and _is_own(campaign, before) else _new(campaign)
        version = templates.save_version(
            template=own,
            body=campaign.draft_text,
            smart_encoding=last.smart_encoding if last else True,
            actor=actor,
        )
        if before and before != own:
            # Where the links of the text lead goes with it.
            links.freeze(campaign, before, version.body)
        take(campaign, own)
    return version


def _is_own(campaign: Campaign, template: Template) -> bool:
    return template.of_campaign and not Campaign.objects.filter(template=template).exclude(pk=campaign.pk).exists()


def _new(campaign: Campaign) -> Template:
    """Called like the campaign, with a number behind it where that name is taken."""
    for number in count(1):
        ending = f" ({number})" if number > 1 else ""
        template, made = Template.objects.get_or_create(
            name=campaign.name[: _LONGEST_NAME - len(ending)] + ending, defaults={"of_campaign": True}
        )
        if made:
            return template
    raise AssertionError("numbers do not end")
