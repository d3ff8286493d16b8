"""What campaigns announce to the floor above, within the transaction of what they announce."""

from django.dispatch import Signal

#: Appointments changed. Sent by `Appointment` with `appointments` (ids) and `change`: "saved", "confirmed",
#: "cancelled" or "answered".
appointments_changed = Signal()
#: A campaign changed its status. Sent by `Campaign` with `campaign`.
campaign_changed = Signal()
