"""What staff have to do about appointments that nobody answered for: done once, by somebody, at some time."""

from django.contrib.auth.models import User

from campaigns.models import StaffTask
from delivery import clock


def finish(task_id: int, *, actor: User | None, actor_label: str = "") -> bool:
    """It is done. False: it was already; who did it first stays. `actor_label` says who, where that is no user."""
    fresh = {"done_at": clock.now(), "done_by": actor, "done_by_label": actor_label[:150]}
    return bool(StaffTask.objects.filter(pk=task_id, done_at=None).update(**fresh))
