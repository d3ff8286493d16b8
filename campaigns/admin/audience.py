"""Parts of a page about a draft's audience: what becomes of everybody on its lists, and who is where."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from campaigns import audience, audience_rules, headcount, who
from campaigns.audience_rules import RulesError
from campaigns.headcount import TEXTED, Group, Headcount, TooLong
from campaigns.models import Campaign
from contacts.admin.base import PageAdmin
from contacts.masking import may_see_people, shown

#: How long a pass over the audience may take: for an estimate, which somebody waits for, and for all of it.
ESTIMATE_MILLISECONDS, ALL_MILLISECONDS = 3000, 15_000


class AudiencePages(PageAdmin):
    def audience_pages(self) -> dict[str, Any]:
        return {
            "headcount": ("<int:pk>/headcount/", self.headcount_view),
            "who": ("<int:pk>/headcount/<slug:group>/", self.who_view),
        }

    def headcount_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """An estimate where there are many, which then asks for the whole (`?all=1`) by itself."""
        campaign: Campaign = self.allowed(request, pk, "view")
        places, everybody = headcount.places(campaign), "all" in request.GET
        one_in = 1 if everybody else headcount.one_in_for(places)
        try:
            found = headcount.count(
                campaign, one_in=one_in, milliseconds=ALL_MILLISECONDS if one_in == 1 else ESTIMATE_MILLISECONDS
            )
            # Of a part of them nobody can say what nobody has.
            unknown = _attributes_of_nobody(campaign) if one_in == 1 else []
        except RulesError as error:
            return self.headcount_fragment(request, said=audience_rules.unreadable(error))
        except TooLong:
            return self.too_long(request, everybody)
        context = {
            "campaign": campaign,
            "places": places,
            "found": found,
            "unknown": unknown,
            "texted": _lines(found, TEXTED),
            "others": _lines(found, [group for group in Group if group not in TEXTED]),
            "may_see_people": may_see_people(request.user),
        }
        return self.headcount_fragment(request, **context)

    def headcount_fragment(self, request: HttpRequest, **context: Any) -> HttpResponse:
        return self.fragment(request, "campaigns/admin/wizard/headcount.html", context)

    def too_long(self, request: HttpRequest, everybody: bool) -> HttpResponse:
        if not everybody:
            return self.headcount_fragment(
                request, said=_("The database takes too long to count these people now. The campaign can go on.")
            )
        answer = HttpResponse(_("Counting everybody takes too long at present; these are estimates."))
        answer["HX-Retarget"] = "#counting"
        return answer

    def who_view(self, request: HttpRequest, pk: int, group: str) -> HttpResponse:
        campaign: Campaign = self.allowed(request, pk, "view")
        if not may_see_people(request.user):
            raise PermissionDenied
        after = request.GET.get("after", "0")
        if group not in list(Group) or not after.isdecimal() or len(after) > 12:
            raise Http404
        asked = Group(group)
        try:
            found = who.page(campaign, asked, after=int(after))
        except RulesError:
            raise Http404 from None
        people = [(person, shown(person.phone, request.user)) for person in found.people]
        context = {"campaign": campaign, "group": asked, "people": people, "found": found, "first": after == "0"}
        return self.fragment(request, "campaigns/admin/wizard/who.html", context)


def _attributes_of_nobody(campaign: Campaign) -> list[str]:
    """Those that its rules ask for. None where it takes too long to find out: the count is worth more."""
    try:
        with headcount.within(ALL_MILLISECONDS):
            return audience.unknown_attributes(campaign)
    except TooLong:
        return []


def _lines(found: Headcount, groups: Any) -> list[tuple[Group, int]]:
    return [(group, found.groups[group]) for group in groups if group in found.groups]
