"""What a launch would mean, over HTTP."""

from rest_framework import serializers


class MissingSerializer(serializers.Serializer):
    variable = serializers.CharField()
    contacts = serializers.IntegerField()


class UnroutableSerializer(serializers.Serializer):
    country = serializers.CharField(allow_blank=True)
    contacts = serializers.IntegerField()


class DeferredSerializer(serializers.Serializer):
    reason = serializers.CharField(help_text="quiet_hours, frequency_cap or local_time.")
    words = serializers.CharField(source="label", help_text="The reason in words.")
    contacts = serializers.IntegerField()
    first = serializers.DateTimeField(allow_null=True, help_text="Until when the first waits; null: it gets nothing.")
    last = serializers.DateTimeField(allow_null=True, help_text="Until when the last does.")


class PreflightSerializer(serializers.Serializer):
    """What a launch now would mean. It is refused while there are problems."""

    audience = serializers.IntegerField()
    suppressed = serializers.IntegerField(help_text="Of these, who must not be texted.")
    withdrawn = serializers.IntegerField(help_text="Of the rest, who took their consent to its purpose back.")
    unrecorded = serializers.IntegerField(help_text="And those of whom no such consent is recorded.")
    needs_consent = serializers.BooleanField(help_text="Whether those are left out.")
    held_out = serializers.IntegerField(help_text="About so many of those who are left get no text, to compare with.")
    missing = MissingSerializer(many=True, help_text="Contacts that lack a variable.")
    problems = serializers.ListField(child=serializers.CharField())
    mean_segments = serializers.FloatField()
    most_segments = serializers.IntegerField()
    estimated_segments = serializers.IntegerField()
    estimated_cost = serializers.DecimalField(max_digits=20, decimal_places=2, help_text="By the price list.")
    currency = serializers.CharField()
    unroutable = UnroutableSerializer(many=True, help_text="Countries that no route leads to.")
    deferred = DeferredSerializer(many=True, help_text="Who would wait for an hour or a cap, launched now.")
    hints = serializers.ListField(child=serializers.CharField(), help_text="What could be better; no problem.")
