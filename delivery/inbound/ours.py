"""Which sender of ours a person has written to."""

from delivery.models import Message, Sender


def written_to(provider_id: int, address: str, phone: str) -> Sender | None:
    """The sender with that address; else the one that the person was last texted by over that account.

    Where a provider's service picks the number, people write to the number and the service is our sender.
    """
    senders = Sender.objects.select_related("provider").filter(provider_id=provider_id)
    bare = address.removeprefix("+")
    found = senders.filter(address__in={address, bare, f"+{bare}"}).order_by("pk").first()
    if found is not None:
        return found
    last = Message.objects.filter(recipient=phone).order_by("-id").values_list("provider_id", "sender_id")[:20]
    return senders.filter(pk=next((sender for owner, sender in last if owner == provider_id and sender), 0)).first()
