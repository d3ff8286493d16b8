"""The report of a campaign: a page, who is behind each of its numbers, and files to take away."""

import json
from collections.abc import Sequence
from typing import Any

from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from campaigns.models import Campaign
from campaigns.report import export, people, report, side_by_side
from campaigns.report.people import Chosen, Person
from campaigns.report.report import Course
from campaigns.report.steps import WORDS, Step
from campaigns.split import LETTERS
from contacts.admin.base import PageAdmin
from contacts.masking import shown
from contacts.models import Contact
from delivery import errors, prices
from delivery.models import Sender
from delivery.reactions import Kind
from delivery.states import Status

#: Colour (of smshub/admin.css), dash and point of each line of the chart, so that none is told by its colour alone.
_LINES: dict[str, tuple[str, list[int], str]] = {
    "sent": ("var(--sms-quiet)", [], "rect"),
    "delivered": ("var(--sms-green)", [], "circle"),
    "click": ("var(--sms-blue)", [6, 3], "triangle"),
    "reply": ("var(--sms-amber)", [2, 3], "rectRot"),
    "stop": ("var(--sms-red)", [10, 4], "crossRot"),
}
_DID = {Kind.CLICK: _("clicked"), Kind.REPLY: _("replied"), Kind.STOP: _("opted out")}


class ReportPages(PageAdmin):
    """Pages beside the live one, for whoever may see the campaign."""

    def report_pages(self) -> dict[str, Any]:
        return {
            "report": ("<int:pk>/report/", self.report_view),
            "people": ("<int:pk>/report/people/", self.people_view),
            "report_csv": ("<int:pk>/report/people.csv", self.csv_view),
            "report_pdf": ("<int:pk>/report.pdf", self.pdf_view),
        }

    def launched(self, request: HttpRequest, pk: int) -> Campaign | None:
        campaign: Campaign = self.allowed(request, pk, "view")
        return campaign if campaign.launched_at else None

    def draft(self, pk: int) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:campaigns_campaign_change", args=[pk]))

    def report_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        campaign = self.launched(request, pk)
        if campaign is None:
            return self.draft(pk)
        found = report.of(campaign)
        variants = side_by_side.variant_rows(found.variants)
        return self.page(
            request,
            "campaigns/admin/report.html",
            title=gettext("Report of %(campaign)s") % {"campaign": campaign.name},
            original=campaign,
            campaign=campaign,
            report=found,
            variants=variants,
            variants_note=side_by_side.note(variants),
            cost=prices.spent(found.progress.cost, found.progress.segments_sent),
            cost_of_delivered=prices.in_words(found.cost_of_delivered) if found.cost_of_delivered else "",
            chart=json.dumps(_chart(found.course)) if found.course else "",
            options=json.dumps(_OPTIONS),
            people_url=reverse("admin:campaigns_campaign_people", args=[pk]),
            csv_url=reverse("admin:campaigns_campaign_report_csv", args=[pk]),
            pdf_url=reverse("admin:campaigns_campaign_report_pdf", args=[pk]),
        )

    def people_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        campaign = self.launched(request, pk)
        if campaign is None:
            return self.draft(pk)
        chosen, after = _chosen(request)
        found = people.page(campaign, chosen, after=after)
        links = dict(campaign.links.values_list("pk", "name"))
        names = _names(request, found.people)
        senders = {sender.pk: sender.address for sender in Sender.objects.all()}
        rows = [
            {
                "person": person,
                "number": shown(person.recipient, request.user),
                "sender": senders.get(person.sender_id or 0, ""),
                "why": errors.in_words(person.status, person.reason),
                "did": ", ".join(str(word) for kind, word in _DID.items() if kind in person.did),
                "url": reverse("admin:delivery_message_change", args=[person.id]),
                "contact": names.get(person.contact_id or 0),
            }
            for person in found.people
        ]
        asked = _parameters(chosen)
        return self.page(
            request,
            "campaigns/admin/people.html",
            title=f"{_title(chosen, senders, links)}: {campaign.name}",
            original=campaign,
            campaign=campaign,
            rows=rows,
            found=found,
            next_url="?" + urlencode(asked | {"after": found.after}) if found.after is not None else "",
            csv_url=f"{reverse('admin:campaigns_campaign_report_csv', args=[pk])}?{urlencode(asked)}",
            report_url=reverse("admin:campaigns_campaign_report", args=[pk]),
        )

    def csv_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        campaign = self.launched(request, pk)
        if campaign is None:
            return self.draft(pk)
        chosen, _ = _chosen(request)
        lines = export.csv_lines(campaign, chosen, lambda phone: shown(phone, request.user))
        response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
        return _file(response, export.file_name(campaign, "csv", chosen.step))

    def pdf_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        from campaigns.report import pdf  # its library takes a quarter of a second, for a file that few ask for

        campaign = self.launched(request, pk)
        if campaign is None:
            return self.draft(pk)
        response = HttpResponse(pdf.draw(report.of(campaign)), content_type="application/pdf")
        return _file(response, export.file_name(campaign, "pdf"))


def _file(response: HttpResponseBase, name: str) -> HttpResponseBase:
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    return response


def _chosen(request: HttpRequest) -> tuple[Chosen, int]:
    """What the address asks for. Raises Http404 for what no page of ours links to."""
    given = request.GET
    try:
        chosen = Chosen(
            step=Step(given.get("step", Step.AUDIENCE.value)),
            country=given["country"][:2] if "country" in given else None,
            sender=_number(given["sender"]) if "sender" in given else None,
            status=Status(given["status"]) if "status" in given else None,
            reason=given["reason"][:24].replace("\x00", "") if "reason" in given else None,
            variant=_letter(given["variant"]) if "variant" in given else None,
            link=_number(given["link"]) if "link" in given else None,
        )
        return chosen, _number(given.get("after", "0")) if "after" in given else -1
    except ValueError:
        raise Http404 from None


def _letter(text: str) -> str:
    """Of a variant. Raises ValueError."""
    if text not in tuple(LETTERS):
        raise ValueError(text)
    return text


def _number(text: str) -> int:
    """Of a contact or a sender. Raises ValueError."""
    if not text.isdecimal() or len(text) > 12:
        raise ValueError(text)
    return int(text)


def _parameters(chosen: Chosen) -> dict[str, Any]:
    found = {"step": chosen.step.value, "country": chosen.country, "sender": chosen.sender}
    found |= {"status": chosen.status and chosen.status.value, "reason": chosen.reason, "variant": chosen.variant}
    found |= {"link": chosen.link}
    return {name: value for name, value in found.items() if value is not None}


def _names(request: HttpRequest, found: Sequence[Person]) -> dict[int, tuple[int, str]]:
    """Of those of them who are still contacts: the number of each, and what they are called. One query."""
    if not request.user.has_perm("contacts.view_contact"):
        return {}
    known = Contact.objects.in_bulk([person.contact_id for person in found if person.contact_id])
    return {pk: (pk, str(contact)) for pk, contact in known.items()}


def _title(chosen: Chosen, senders: dict[int, str], links: dict[int, str]) -> str:
    parts = [str(WORDS[chosen.step])]
    if chosen.variant is not None:
        parts.append(gettext("variant %(letter)s") % {"letter": chosen.variant})
    if chosen.country is not None:
        parts.append(chosen.country or gettext("no country"))
    if chosen.sender is not None:
        parts.append(senders.get(chosen.sender, gettext("a sender that is gone")))
    if chosen.link is not None:
        name = links.get(chosen.link, gettext("a link that is gone"))
        parts.append(gettext("link “%(name)s”") % {"name": name})
    if chosen.status is not None:
        parts.append(str(chosen.status.label).lower())
    if chosen.reason is not None and chosen.status is not None:
        parts.append(errors.in_words(chosen.status, chosen.reason) or gettext("no reason given"))
    return ", ".join(parts)


def _chart(course: Course) -> dict[str, Any]:
    """For Chart.js."""
    datasets = []
    for series in course.series:
        colour, dash, point = _LINES[series.key]
        datasets.append(
            {
                "label": series.label,
                "data": list(series.numbers),
                "borderColor": colour,
                "backgroundColor": colour,
                "borderDash": dash,
                "borderWidth": 2,
                "pointStyle": point,
                "pointRadius": [3 if number else 0 for number in series.numbers],
                "tension": 0,
            }
        )
    days = course.moments[-1].date() != course.moments[0].date() if course.moments else False
    form = "%d %b %H:%M" if days else "%H:%M"
    return {"labels": [f"{moment:{form}}" for moment in course.moments], "datasets": datasets}


#: Chart.js draws, unfold's own script starts it. Numbers from zero, the legend with each line's point and dash.
_OPTIONS: dict[str, Any] = {
    "animation": False,
    "maintainAspectRatio": False,
    "interaction": {"mode": "index", "intersect": False},
    "plugins": {"legend": {"position": "bottom", "labels": {"usePointStyle": True, "color": "#808890"}}},
    "scales": {
        "x": {"grid": {"display": False}, "ticks": {"maxTicksLimit": 10, "color": "#808890"}},
        "y": {"beginAtZero": True, "grid": {}, "ticks": {"precision": 0, "color": "#808890"}},
    },
}
