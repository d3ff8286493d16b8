"""Naming the targets of a campaign or a template, all of them at once."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from campaigns.models import Campaign, Link, Template


def replace(owner: Campaign | Template, links: Sequence[Mapping[str, Any]]) -> None:
    """From now on it has these, each with `name`, `target` and perhaps `days`, and no others.

    One that keeps its name keeps its number: what was sent with it leads to its new target. The caller sees to it that
    a campaign is a draft.
    """
    owned: dict[str, Any] = {"campaign" if isinstance(owner, Campaign) else "template": owner}
    with transaction.atomic():
        type(owner).objects.select_for_update(no_key=True).get(pk=owner.pk)
        Link.objects.filter(**owned).exclude(name__in=[link["name"] for link in links]).delete()
        for link in links:
            rest = {key: value for key, value in link.items() if key != "name"}
            Link.objects.update_or_create(**owned, name=link["name"], defaults=rest)
