"""The steps of the wizard, in order. To have another one, write a form and a template and put it in here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from campaigns.admin.wizard import about, audience, message, review, timing, variants
from campaigns.admin.wizard.forms import StepForm
from campaigns.models import Campaign


@dataclass(frozen=True, slots=True)
class Step:
    """One page of the wizard.

    `forms` are posted together and saved one by one; the template gets each under its name, beside what `context` gives
    for a campaign and a request. `done` says whether nothing more has to be filled in, `ticked` whether that is shown:
    without it, when it is done.
    """

    slug: str
    title: str | Promise
    template: str
    done: Callable[[Campaign], bool]
    forms: Mapping[str, type[StepForm]] = field(default_factory=dict)
    context: Callable[[Campaign, HttpRequest], dict[str, Any]] = lambda campaign, request: {}
    ticked: Callable[[Campaign], bool] | None = None

    def has_tick(self, campaign: Campaign) -> bool:
        return (self.ticked or self.done)(campaign)


def _message(campaign: Campaign, request: HttpRequest) -> dict[str, Any]:
    return message.context(campaign, request) | variants.context(campaign, request)


STEPS: tuple[Step, ...] = (
    Step("name", _("Name"), about.TEMPLATE, about.done, {"form": about.AboutForm}),
    Step(
        "audience",
        _("Audience"),
        audience.TEMPLATE,
        audience.done,
        {"form": audience.AudienceForm},
        audience.context,
    ),
    Step(
        "message",
        _("Message"),
        message.TEMPLATE,
        message.done,
        {"form": message.MessageForm, "variants_form": variants.VariantsForm},
        _message,
    ),
    Step(
        timing.SLUG,
        _("Time"),
        timing.TEMPLATE,
        timing.done,
        {"form": timing.TimingForm},
        timing.context,
        timing.ticked,
    ),
    Step("review", _("Review"), review.TEMPLATE, review.done, {}, review.context),
)


def of(slug: str) -> Step | None:
    return next((step for step in STEPS if step.slug == slug), None)


def before(step: Step) -> Step | None:
    at = STEPS.index(step)
    return STEPS[at - 1] if at else None


def after(step: Step) -> Step | None:
    return next(iter(STEPS[STEPS.index(step) + 1 :]), None)
