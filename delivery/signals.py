"""What delivery announces to the floors above, within the transaction of what it announces."""

from django.dispatch import Signal

#: A text came in. Sent by `Inbound` with `inbound` and `consent_changed` (whether its keyword stopped or started
#: anything, or it was the code of an opt-in); a receiver that raises makes the provider come again.
text_received = Signal()

#: Texts of messages are emptied, for their age or because somebody asked. Sent by `Message` with `message_ids`, some
#: thousand of them at most.
texts_emptied = Signal()
