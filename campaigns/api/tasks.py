"""What staff have to do about appointments, over HTTP."""

import django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from campaigns.api.serializers import EmptySerializer
from campaigns.models import StaffTask
from campaigns.reminders import todo
from contacts.api.fields import key_label
from contacts.api.filters import FlagFilter


class TaskSerializer(serializers.ModelSerializer):
    appointment = serializers.IntegerField(source="appointment_id", help_text="Id of the appointment.")
    contact = serializers.IntegerField(source="appointment.contact_id", help_text="Id of the contact.")
    rule = serializers.IntegerField(source="rule_id", help_text="Id of the rule that nobody answered.")
    done_by = serializers.SerializerMethodField(help_text="A user's or an API key's name.")

    class Meta:
        model = StaffTask
        fields = ["id", "appointment", "contact", "rule", "created_at", "done_at", "done_by"]

    def get_done_by(self, task: StaffTask) -> str:
        return str(task.done_by or task.done_by_label)


class TaskFilters(django_filters.FilterSet):
    open = FlagFilter(field_name="done_at", lookup_expr="isnull", help_text="true: still to do; false: done.")

    class Meta:
        model = StaffTask
        fields: list[str] = []


class TaskViewSet(viewsets.ReadOnlyModelViewSet[StaffTask]):
    """Appointments that nobody answered for, after the last step of their rules: something for a person to do."""

    scope = "tasks"
    lookup_value_regex = "[0-9]{1,18}"
    queryset = StaffTask.objects.select_related("appointment", "done_by")
    serializer_class = TaskSerializer
    filterset_class = TaskFilters

    @extend_schema(request=EmptySerializer, responses=TaskSerializer)
    @action(detail=True, methods=["post"], filterset_class=None)
    def done(self, request: Request, pk: str) -> Response:
        """Say that it is done. Saying it again changes nothing."""
        EmptySerializer(data=request.data).is_valid(raise_exception=True)
        todo.finish(self.get_object().pk, actor=None, actor_label=key_label(request))
        return Response(TaskSerializer(self.get_object()).data)
