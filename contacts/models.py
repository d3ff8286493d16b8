"""Who may be reached: contacts, the lists they are on, and who said stop."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex, GinIndex
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from contacts.consents.models import ConsentEvent, Erasure, NumberKey

__all__ = [
    "ConsentEvent",
    "Contact",
    "ContactImport",
    "ContactList",
    "Erasure",
    "ImportTrace",
    "Membership",
    "NumberKey",
    "Suppression",
]


class Contact(models.Model):
    """A person with one number. The number is the identity: importing it again updates this row."""

    phone = models.CharField(max_length=16, unique=True, help_text="International form, e.g. +14155550123.")
    name = models.CharField(max_length=200, blank=True, default="")
    language = models.CharField(max_length=12, blank=True, default="", help_text="Language tag, e.g. en or pt-BR.")
    time_zone = models.CharField(max_length=64, blank=True, default="", help_text="e.g. Europe/Paris.")
    country = models.CharField(max_length=2, blank=True, default="", help_text="Two letters, e.g. US.")
    attributes = models.JSONField(blank=True, default=dict, help_text="Anything else templates may use.")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(phone__regex=r"^\+[1-9][0-9]{6,14}$"), name="contact_phone_e164"),
        ]
        permissions = [("see_numbers", gettext_noop("Can see whole numbers"))]

    def __str__(self) -> str:
        return self.name or gettext("Contact %(number)s") % {"number": self.pk}


class ContactList(models.Model):
    """A named list. `size` is kept by a database trigger on memberships, so nobody ever counts it."""

    name = models.CharField(max_length=100, unique=True)
    description = models.TextField(blank=True, default="")
    size = models.BigIntegerField(default=0, editable=False)
    is_marketing = models.BooleanField(
        "marketing list",
        default=False,
        db_default=False,
        help_text="Importing into it demands the source and the date of each person's consent.",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    contacts = models.ManyToManyField(Contact, through="Membership", related_name="lists")

    class Meta:
        verbose_name = "list"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    contact_list = models.ForeignKey(ContactList, on_delete=models.CASCADE, related_name="memberships", db_index=False)
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="memberships")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["contact_list", "contact"], name="membership_once")]


class Suppression(models.Model):
    """A number that must not be texted. Belongs to the number, not to a contact, and outlives it.

    After an erasure only the digest is left of the number. With a scope it is about one sender's texts, else about
    all. A refusal in free words holds at once, and waits for somebody to look at it: until `reviewed_at`, or until it
    is lifted. Lifting keeps the row: who was suppressed when, and why it ended, stays answerable.
    """

    class Reason(models.TextChoices):
        OPTED_OUT = "opted_out", _("Opted out")
        INVALID_NUMBER = "invalid_number", _("Invalid number")
        MANUAL = "manual", _("By staff")
        REFUSED = "refused", _("Refused in free words, to be looked at")
        ERASED = "erased", _("Erased on request")

    phone = models.CharField(max_length=16, null=True, help_text="Empty: erased.")  # noqa: DJ001 (unique)
    digest = models.BinaryField(
        max_length=32, null=True, editable=False, help_text="Of the number (`contacts.digests`), once it is erased."
    )
    scope = models.CharField(
        max_length=40,
        blank=True,
        default="",
        db_default="",
        help_text="The sender that it is about, by its address. Empty: every sender.",
    )
    reason = models.CharField(max_length=20, choices=Reason.choices, default=Reason.MANUAL)
    evidence = models.CharField(max_length=200, blank=True, default="", help_text="What it rests on.")
    imports = ArrayField(
        models.BigIntegerField(),
        null=True,
        editable=False,
        help_text="Ids of the imports that it rests on and nothing else. Empty: somebody said it, or did it.",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    reviewed_at = models.DateTimeField(null=True, blank=True, help_text="When staff confirmed it.")
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_evidence = models.CharField(max_length=200, blank=True, default="")
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["phone", "scope"], condition=Q(lifted_at__isnull=True), name="suppression_active_once"
            ),
            models.UniqueConstraint(
                fields=["digest", "scope"],
                condition=Q(lifted_at__isnull=True, digest__isnull=False),
                name="suppression_erased_once",
            ),
            models.CheckConstraint(
                condition=Q(phone__isnull=False, digest__isnull=True) | Q(phone__isnull=True, digest__isnull=False),
                name="suppression_of_somebody",
            ),
        ]
        indexes = [
            models.Index(fields=["phone"], name="suppression_phone"),
            models.Index(
                fields=["-id"],
                condition=Q(reason="refused", reviewed_at__isnull=True, lifted_at__isnull=True),
                name="suppression_to_review",
            ),
            GinIndex(
                fields=["imports"],
                condition=Q(imports__isnull=False, lifted_at__isnull=True),
                name="suppression_imports",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_reason_display()} ({self.created_at:%Y-%m-%d})"


class ContactImport(models.Model):
    """One CSV file on its way into contacts: what it is, how far it got, what became of its rows."""

    class Status(models.TextChoices):
        UPLOADED = "uploaded", _("Uploaded")
        CHECKING = "checking", _("Checking")
        CHECKED = "checked", _("Checked")
        IMPORTING = "importing", _("Importing")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")
        UNDOING = "undoing", _("Being undone")
        UNDONE = "undone", _("Undone")

    file = models.FileField(upload_to="imports/")
    original_name = models.CharField(max_length=255)
    contact_list = models.ForeignKey(
        ContactList,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        help_text="Everyone in the file is put on it.",
    )
    new_list = models.CharField(
        max_length=100, blank=True, default="", db_default="", help_text="The name of a list to make at the start."
    )
    default_country = models.CharField(max_length=2, blank=True, default="")
    consent_source = models.CharField(
        max_length=200,
        blank=True,
        default="",
        db_default="",
        help_text="Where everyone in the file agreed to marketing, unless a column says so.",
    )
    consent_at = models.DateTimeField(null=True, blank=True, help_text="When they did, unless a column says so.")
    encoding = models.CharField(max_length=20, blank=True, default="")
    delimiter = models.CharField(max_length=1, blank=True, default="")
    header = models.JSONField(blank=True, default=list)
    mapping = models.JSONField(blank=True, default=dict, help_text="Column of the file → field or attribute.")
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.UPLOADED)
    error = models.TextField(blank=True, default="")
    total_bytes = models.BigIntegerField(default=0)
    bytes_read = models.BigIntegerField(default=0)
    rows_read = models.BigIntegerField(default=0)
    created_count = models.BigIntegerField(default=0)
    updated_count = models.BigIntegerField(default=0)
    unchanged_count = models.BigIntegerField(default=0)
    duplicate_count = models.BigIntegerField(default=0)
    rejected_count = models.BigIntegerField(default=0)
    opted_out_count = models.BigIntegerField(default=0, db_default=0, help_text="Numbers that want no texts.")
    rejected_opted_out_count = models.BigIntegerField(
        default=0, db_default=0, help_text="Rejected rows whose numbers are among these all the same."
    )
    rejected_file = models.FileField(upload_to="imports/rejected/", blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    written_at = models.DateTimeField(null=True, editable=False, help_text="The moment that what it wrote bears.")
    first_consent_id = models.BigIntegerField(null=True, editable=False, help_text="Of its lines in the ledger.")
    last_consent_id = models.BigIntegerField(null=True, editable=False)
    undo_until = models.DateTimeField(null=True, editable=False, help_text="Empty: it can not be undone any more.")
    undone_at = models.DateTimeField(null=True, editable=False)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, editable=False, on_delete=models.SET_NULL, related_name="+"
    )
    undone = models.JSONField(default=dict, editable=False, help_text="What became of each, counted.")

    class Meta:
        verbose_name = "import"
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.original_name


class ImportTrace(models.Model):
    """What one import did to one contact: where a contact came from, and what an undo has to take back.

    Written in the import's own transaction (`contacts.importing.copy`), without constraints that would cost a look-up
    for each row. The index on imports takes a few pages for millions of rows, as they stand in its order.
    """

    class Act(models.IntegerChoices):
        ADDED = 1, _("Added")
        CHANGED = 2, _("Changed")
        LISTED = 3, _("Put on the list")

    pk = models.CompositePrimaryKey("contact_id", "import_id", "act")
    contact = models.ForeignKey(
        Contact, on_delete=models.CASCADE, related_name="import_traces", db_index=False, db_constraint=False
    )
    import_id = models.BigIntegerField()
    act = models.PositiveSmallIntegerField(choices=Act.choices)
    before = models.JSONField(null=True, help_text="What the contact was before a change, as long as it can be undone.")

    class Meta:
        indexes = [BrinIndex(fields=["import_id"], name="import_trace_import")]

    def __str__(self) -> str:
        return f"{self.get_act_display()} by import {self.import_id}"
