"""The addresses of all pages that staff open, found from what admin knows: lists, forms, and each step or view beside.

A page that is about one thing is opened for the newest there is; where there is none, that page is left out.
"""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.test import RequestFactory
from django.urls import NoReverseMatch, reverse

from campaigns.admin.wizard.steps import STEPS
from campaigns.models import Campaign, Conversation
from contacts.models import Contact, ContactList

#: Of one campaign under way, by the name of the address.
_UNDER_WAY = ("live", "progress", "ways", "report", "people")
#: Of everybody, beside what admin makes of its models.
_BESIDE = ("index", "account_security", "campaigns_reminder_upcoming")


def everything(looker: User, under_way: Campaign, everybody: ContactList) -> Iterator[tuple[str, str]]:
    """Name and address of each page that this user may open.

    `under_way` has messages in every state; a draft to `everybody` is made.
    """
    draft = _draft(under_way, everybody)
    request = RequestFactory().get("/admin/")
    request.user = looker
    for name in _BESIDE:
        yield from _named(name)
    for step in STEPS:
        yield f"campaign, step {step.slug}", reverse("admin:campaigns_campaign_wizard", args=[draft.pk, step.slug])
    for name in _UNDER_WAY:
        yield from _named(f"campaigns_campaign_{name}", under_way.pk)
    for model, page in sorted(admin.site._registry.items(), key=lambda item: item[0]._meta.label):
        name = f"{model._meta.app_label}_{model._meta.model_name}"
        yield f"{name}, list", reverse(f"admin:{name}_changelist")
        if (newest := _newest(model)) is not None:
            yield f"{name}, one", reverse(f"admin:{name}_change", args=[newest])
        if page.has_add_permission(request):
            yield f"{name}, new", reverse(f"admin:{name}_add")


def _named(name: str, *args: Any) -> Iterator[tuple[str, str]]:
    try:
        yield name.replace("campaigns_campaign_", "campaign, "), reverse(f"admin:{name}", args=args)
    except NoReverseMatch:
        return


def _newest(model: Any) -> Any:
    if model is Contact:
        # Somebody who wrote, and was written to.
        known = Conversation.objects.exclude(contact=None).order_by("-pk").values_list("contact_id", flat=True).first()
        if known is not None:
            return known
    return model._default_manager.order_by("-pk").values_list("pk", flat=True).first()


def _draft(like: Campaign, everybody: ContactList) -> Campaign:
    draft = Campaign.objects.create(name="A draft to everybody", template=like.template, sender=like.sender)
    draft.include.set([everybody])
    return draft
