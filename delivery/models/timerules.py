"""When recipients may be texted, and how often: the rules that staff edit, and what is known of places and people."""

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from delivery.lanes import Lane
from delivery.timerules.opening import DayKind, Hours, OnHolidays, Rule

#: A rolling window is no longer than this, and nobody is texted more often in it.
MOST_HOURS, MOST_MESSAGES = 31 * 24, 100

_COUNTRY = RegexValidator(r"^[A-Z]{2}\Z", "Two capital letters, as in US.")
_STATE = RegexValidator(r"^[A-Z]{2}\Z", "Two capital letters, as in FL.")


class OfArea(models.Model):
    """What a rule is about: a state of a country, a country, or every country that has no line of its own."""

    country = models.CharField(
        max_length=2, blank=True, default="", validators=[_COUNTRY], help_text="Two letters, e.g. US. Empty: any other."
    )
    state = models.CharField(
        max_length=2, blank=True, default="", validators=[_STATE], help_text="Of the US or Canada, e.g. FL. Empty: all."
    )
    enabled = models.BooleanField("on", default=True)
    source = models.CharField(max_length=300, blank=True, default="", help_text="What it rests on.")
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True

    @property
    def area(self) -> str:
        """ISO 3166: "US-FL", "US", or "" for any other."""
        return f"{self.country}-{self.state}" if self.state else self.country

    def clean(self) -> None:
        if self.state and self.country not in ("US", "CA"):
            raise ValidationError(
                {"state": gettext("Only states of the US and provinces of Canada have lines of their own.")}
            )


class WithHours(models.Model):
    """Hours of a wall clock by the kind of day. Both of a day empty: none of it."""

    weekday_from = models.TimeField(null=True, blank=True, help_text="Both empty: no texts on such a day.")
    weekday_until = models.TimeField(null=True, blank=True, help_text="00:00 is the end of the day.")
    saturday_from = models.TimeField(null=True, blank=True)
    saturday_until = models.TimeField(null=True, blank=True)
    sunday_from = models.TimeField(null=True, blank=True)
    sunday_until = models.TimeField(null=True, blank=True)
    holidays = models.CharField(
        max_length=6, choices=OnHolidays.choices, default=OnHolidays.SAME, help_text="The public holidays there."
    )

    class Meta:
        abstract = True

    @property
    def rule(self) -> Rule:
        """Raises ValueError where the hours of a day make no sense."""
        weekday, saturday, sunday = (self._hours(kind) for kind in DayKind)
        return Rule(weekday, saturday, sunday, OnHolidays(self.holidays))

    def _hours(self, kind: DayKind) -> Hours | None:
        opens, closes = getattr(self, f"{kind}_from"), getattr(self, f"{kind}_until")
        if (opens is None) != (closes is None):
            raise ValueError("hours need a beginning and an end")
        return None if opens is None else Hours(opens, closes)


class AllowedHours(OfArea, WithHours):
    """The hours of the recipient's wall clock in which a country or a state lets texts arrive.

    The line of a state replaces that of its country, and that of a country the one for any other; a line that is
    switched off is as if it were not there.
    """

    class Meta:
        verbose_name = verbose_name_plural = "allowed hours"
        ordering = ["country", "state"]
        constraints = [
            models.UniqueConstraint(fields=["country", "state"], name="allowed_hours_once"),
            models.CheckConstraint(condition=Q(state="") | ~Q(country=""), name="allowed_hours_area"),
        ]

    def __str__(self) -> str:
        return self.area or gettext("Any other country")


class FrequencyCap(OfArea):
    """At most so many texts to one number: within so many hours that end now, or within its calendar day.

    Every cap that is about a message holds, that of a state beside that of its country.
    """

    class Over(models.TextChoices):
        HOLD = "hold", _("It waits until it fits")
        SUPPRESS = "suppress", _("It is not sent")

    lane = models.PositiveSmallIntegerField(
        "category",
        choices=Lane.choices,
        null=True,
        blank=True,
        help_text="What is counted and capped. Empty: all that time rules are about, together.",
    )
    most = models.PositiveSmallIntegerField(
        "at most", validators=[MinValueValidator(1), MaxValueValidator(MOST_MESSAGES)], help_text="Texts."
    )
    hours = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_HOURS)],
        help_text="Within so many hours. Empty: within the recipient's calendar day.",
    )
    over = models.CharField("one more", max_length=8, choices=Over.choices, default=Over.HOLD)

    class Meta:
        ordering = ["country", "state", "lane", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(most__gte=1, most__lte=MOST_MESSAGES), name="frequency_cap_most"),
            models.CheckConstraint(
                condition=Q(hours=None) | Q(hours__gte=1, hours__lte=MOST_HOURS), name="frequency_cap_hours"
            ),
        ]

    def __str__(self) -> str:
        within = gettext("a day") if self.hours is None else gettext("in %(hours)s h") % {"hours": self.hours}
        return f"{self.area or 'Everywhere'}: {self.most} {within}"


class Place(models.Model):
    """Where recipients are, and when they may be texted there: the present window, or the next one.

    A message points at the place of its recipient, so that a rule that changes changes a row here and not a million
    messages. Kept by `delivery.timerules.places`; rows are never deleted.
    """

    key = models.TextField(unique=True, help_text="All of the next three.")
    country = models.CharField(max_length=2, blank=True)
    regions = ArrayField(models.CharField(max_length=6), help_text="ISO 3166-2; their rules hold all together.")
    zones = ArrayField(models.CharField(max_length=64), help_text="All that are possible.")
    opens_at = models.DateTimeField()
    closes_at = models.DateTimeField()
    day_began = models.DateTimeField(help_text="The calendar day, in whichever zone it is longest.")
    day_ends = models.DateTimeField()


class Reached(models.Model):
    """When a number was last sent what caps count. One row per number, kept by the claim; forgotten after a month."""

    recipient = models.CharField(max_length=16, primary_key=True)
    place_id = models.IntegerField()
    last_at = models.DateTimeField()
    times = ArrayField(models.DateTimeField())
    lanes = ArrayField(models.PositiveSmallIntegerField(), help_text="Of the same texts.")

    class Meta:
        indexes = [models.Index(fields=["last_at"], name="reached_last")]
