"""The inbox: who has written, and one page for each of them, with what is to be done."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.text import Truncator
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST
from unfold.decorators import display

from campaigns.conversations import desk, threads
from campaigns.conversations.desk import Author, CannotReply
from campaigns.models import Appointment, CannedReply, Conversation
from contacts.admin.base import LargeTableAdmin, actor, text_area
from contacts.admin.finding import by_number, e164
from contacts.consent import is_suppressed
from contacts.masking import Looking, masked, may_see_numbers, may_see_people, shown
from contacts.models import Suppression
from contacts.retelling import english
from delivery.admin import words
from delivery.admin.messages import as_uuid
from delivery.models import Inbound
from delivery.segments import measure
from delivery.states import Status
from delivery.submit import MAX_BODY

#: Canned replies that are offered on a page, and people whom a conversation may be given to.
MOST_CANNED, MOST_PEOPLE = 50, 200
#: How its history tells what was done.
_DONE = {
    "close": gettext_noop("Closed"),
    "reopen": gettext_noop("Opened again"),
    "read": gettext_noop("Marked as read"),
    "unread": gettext_noop("Marked as unread"),
    "opt-out": gettext_noop("Opted out by staff"),
}
#: What is said when an appointment beside it is settled.
_SETTLED = {
    "confirm": _("The appointment is confirmed."),
    "cancel": _("The appointment is cancelled, and nobody is reminded of it."),
}
#: Conversations that are listed beside one, and how much is shown there of what they wrote last.
BESIDE, EXCERPT = 30, 70


def find(queryset: QuerySet[Conversation], text: str, user: Looking) -> QuerySet[Conversation]:
    """By a whole number, else by the beginning of the contact's name."""
    if e164(text):
        return by_number(queryset, text, user)
    return queryset.filter(contact__name__istartswith=text.strip()) if may_see_people(user) else queryset.none()


class ReplyForm(forms.Form):
    body = forms.CharField(
        label=_("Answer"),
        max_length=MAX_BODY,
        widget=text_area(4, **{"data-testid": "reply-body", "aria-label": _("Answer")}),
    )


class Whose(admin.SimpleListFilter):
    title, parameter_name = _("whose"), "whose"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("mine", gettext("Mine")), ("nobody", gettext("Nobody's"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Conversation]) -> QuerySet[Conversation] | None:
        match self.value():
            case "mine":
                return queryset.filter(assigned_to=request.user.pk)
            case "nobody":
                return queryset.filter(assigned_to=None)
        return None


@admin.register(Conversation)
class ConversationAdmin(LargeTableAdmin):
    empty_list = _("Nobody has written yet. Whoever does stands here, with what was sent to them.")
    ordering: Any = ("-unread", "-last_text_at")
    list_display: tuple[str, ...] = ("who", "wrote", "state", "special", "address", "assigned_to", "last_text_at")
    list_filter = ("unread", "status", Whose)
    list_select_related = ("contact", "assigned_to")
    search_fields = ("phone",)
    search_help_text = _("Whole number, or the beginning of a name")
    change_list_template = "campaigns/admin/conversations.html"

    def pages(self) -> Any:
        return {
            "thread": ("<int:pk>/thread/", require_GET(self.thread_view)),
            "inbox": ("<int:pk>/inbox/", require_GET(self.inbox_view)),
            "segments": ("<int:pk>/segments/", require_POST(self.segments_view)),
            "reply": ("<int:pk>/reply/", require_POST(self.reply_view)),
            "act": ("<int:pk>/act/<slug:action>/", require_POST(self.act_view)),
            "assign": ("<int:pk>/assign/", require_POST(self.assign_view)),
            "settle": ("<int:pk>/settle/<int:appointment_id>/<slug:action>/", require_POST(self.settle_view)),
        }

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # they begin when somebody writes

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        if may_see_numbers(request.user):
            return self.list_display
        if may_see_people(request.user):
            return ("who_masked", *self.list_display[1:])
        return ("masked", *self.list_display[2:])

    def get_queryset(self, request: HttpRequest) -> QuerySet[Conversation]:
        return threads.with_last_heard(super().get_queryset(request))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Conversation], search_term: str
    ) -> tuple[QuerySet[Conversation], bool]:
        return (find(queryset, search_term, request.user) if search_term else queryset), False

    @display(description=_("Who"))
    def who(self, conversation: Conversation) -> str:
        return str(conversation.contact) if conversation.contact else conversation.phone

    @display(description=_("Who"))
    def who_masked(self, conversation: Conversation) -> str:
        return str(conversation.contact or masked(conversation.phone))

    @display(description=_("Who"))
    def masked(self, conversation: Conversation) -> str:
        return masked(conversation.phone)

    @display(description=_("They wrote"))
    def wrote(self, conversation: Conversation) -> str:
        return _excerpt(conversation)

    @display(
        description=_("State"),
        label={"unread": "danger", Conversation.Status.OPEN: "info", Conversation.Status.CLOSED: "success"},
    )
    def state(self, conversation: Conversation) -> tuple[str, str]:
        if conversation.unread:
            return "unread", gettext("Unread")
        return conversation.status, conversation.get_status_display()

    @display(description=_("To be looked at"))
    def special(self, conversation: Conversation) -> str:
        return conversation.get_flag_display() if conversation.flag else "–"

    # --- one conversation -------------------------------------------------------------------------------------

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        conversation: Conversation = self.allowed(request, object_id, "view")
        return self._page(request, conversation, ReplyForm())

    def _page(self, request: HttpRequest, conversation: Conversation, form: ReplyForm) -> HttpResponse:
        sender = conversation.sender
        suppressed = is_suppressed(conversation.phone, sender.address if sender else "")
        may_change = self.has_change_permission(request, conversation)
        return self.page(
            request,
            "campaigns/admin/conversation.html",
            title=gettext("Conversation with %(number)s") % {"number": shown(conversation.phone, request.user)},
            original=conversation,
            form=form,
            may_change=may_change,
            may_settle=may_change and request.user.has_perm("campaigns.change_appointment"),
            may_stop=may_change and request.user.has_perm("contacts.add_suppression"),
            suppressed=suppressed,
            stop=_stop(conversation) if suppressed else None,
            appointments=desk.appointments(conversation),
            canned=[
                (reply.name, desk.filled(reply.body, conversation.contact))
                for reply in CannedReply.objects.all()[:MOST_CANNED]
            ],
            people=_colleagues().order_by("username")[:MOST_PEOPLE],
            **self._thread(request, conversation),
            inbox=self._inbox(request),
            who=_name(conversation, request.user),
        )

    def _inbox(self, request: HttpRequest) -> list[dict[str, Any]]:
        """The conversations beside the one that is open: the unread first, then the newest."""
        newest = Conversation.objects.select_related("contact", "assigned_to").order_by(*self.ordering)
        private = may_see_people(request.user)
        return [
            {"conversation": row, "who": _name(row, request.user), "said": _excerpt(row) if private else ""}
            for row in threads.with_last_heard(newest)[:BESIDE]
        ]

    def inbox_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        conversation: Conversation = self.allowed(request, pk, "view")
        context = {"inbox": self._inbox(request), "conversation": conversation}
        return self.fragment(request, "campaigns/admin/inbox.html", context)

    def _thread(self, request: HttpRequest, conversation: Conversation) -> dict[str, Any]:
        """The newest texts, or those before `before`, for whoever may read them; oldest first, as they are read."""
        private = may_see_people(request.user)
        page = threads.page(conversation, before=as_uuid(request.GET.get("before", "")))
        texts = [(text, words.text(text.body) if private else "", _standing(text)) for text in reversed(page.texts)]
        return {"texts": texts, "before": page.before, "private": private, "conversation": conversation}

    def thread_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        conversation: Conversation = self.allowed(request, pk, "view")
        return self.fragment(request, "campaigns/admin/thread.html", self._thread(request, conversation))

    def segments_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        self.allowed(request, pk, "view")
        size = measure(request.POST.get("body", "")[:MAX_BODY])
        return self.fragment(request, "campaigns/admin/segments.html", {"size": size})

    def reply_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        conversation: Conversation = self.allowed(request, pk, "change")
        if not may_see_people(request.user):
            raise PermissionDenied
        form = ReplyForm(request.POST)
        if form.is_valid():
            try:
                desk.reply(conversation, body=form.cleaned_data["body"], author=_author(request))
                return self._back(conversation, at="id_body")
            except CannotReply as why:
                form.add_error("body", str(why))
        return self._page(request, conversation, form)

    def act_view(self, request: HttpRequest, pk: int, action: str) -> HttpResponse:
        conversation: Conversation = self.allowed(request, pk, "change")
        match action:
            case "close":
                desk.close(conversation)
            case "reopen":
                desk.reopen(conversation)
            case "read" | "unread":
                desk.mark(conversation, unread=action == "unread")
            case "opt-out" if request.user.has_perm("contacts.add_suppression"):
                if not desk.opt_out(conversation, author=_author(request)):
                    messages.info(request, gettext("They are not texted already."))
            case _:
                raise PermissionDenied
        self.log_change(request, conversation, _DONE[action])
        return self._back(conversation)

    def assign_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        conversation: Conversation = self.allowed(request, pk, "change")
        chosen = request.POST.get("user", "")
        user = _colleagues().filter(pk=int(chosen)).first() if chosen.isdecimal() and len(chosen) < 10 else None
        desk.assign(conversation, user)
        self.log_change(
            request,
            conversation,
            gettext_noop("Assigned to %(user)s") % {"user": user} if user else gettext_noop("Assigned to nobody"),
        )
        return self._back(conversation)

    def settle_view(self, request: HttpRequest, pk: int, appointment_id: int, action: str) -> HttpResponse:
        conversation: Conversation = self.allowed(request, pk, "change")
        status = {"confirm": Appointment.Status.CONFIRMED, "cancel": Appointment.Status.CANCELLED}.get(action)
        if status is None or not request.user.has_perm("campaigns.change_appointment"):
            raise PermissionDenied
        if desk.settle(conversation, appointment_id=appointment_id, status=status):
            with english():
                said = gettext("Appointment %(number)s: %(status_words)s")
                done = said % {"number": appointment_id, "status_words": status.label}
            self.log_change(request, conversation, done)
            messages.success(request, str(_SETTLED[action]))
        else:
            messages.warning(request, gettext("It has been answered or called off already."))
        return self._back(conversation, at="beside")

    def _back(self, conversation: Conversation, *, at: str = "") -> HttpResponse:
        """`at`: the part of the page where whoever works by keyboard goes on."""
        home = reverse("admin:campaigns_conversation_change", args=[conversation.pk])
        return HttpResponseRedirect(f"{home}#{at}" if at else home)


def _name(conversation: Conversation, user: Looking) -> str:
    """Of the contact, else the number, as far as this user may see either."""
    contact = conversation.contact if may_see_people(user) else None
    return str(contact or shown(conversation.phone, user))


def _standing(text: threads.ThreadText) -> str:
    """What became of a text of ours, or what the hub took one of theirs for."""
    if text.is_inbound:
        return str(Inbound.Keyword(text.keyword).label) if text.keyword else ""
    return str(Status(text.status).label)


def _colleagues() -> QuerySet[User]:
    """Who works in the inbox, and may therefore be given a conversation."""
    able: QuerySet[User] = User.objects.with_perm(
        "campaigns.change_conversation", backend="django.contrib.auth.backends.ModelBackend"
    )
    return able.filter(is_staff=True)


def _excerpt(conversation: Conversation) -> str:
    return Truncator(threads.last_heard(conversation)).chars(EXCERPT)


def _stop(conversation: Conversation) -> Suppression | None:
    """What keeps the person from being texted in this conversation, if it is known by their number."""
    scopes = ["", conversation.sender.address] if conversation.sender else [""]
    return Suppression.objects.filter(phone=conversation.phone, scope__in=scopes, lifted_at=None).first()


def _author(request: HttpRequest) -> Author:
    user = actor(request)
    return Author(user.get_username(), user)
