"""What contacts announce to the floors above, within the transaction of what they announce."""

from django.dispatch import Signal

#: Numbers were suppressed, or may be texted again. Sent by `Suppression` with `phones` (those that changed, E.164),
#: `suppressed` (bool), `reason`, `scope` ("": every sender) and `evidence`.
suppression_changed = Signal()
#: People agreed to something or took it back. Sent by `ConsentEvent` with `phones` (E.164), `purpose`, `channel`,
#: `scope` ("": every sender) and `action` ("granted" or "withdrawn"). Imports do not announce what they record.
consent_changed = Signal()
#: Contacts that an import added are about to be taken away again. Sent by `Contact` with `phones`, some thousand at
#: most, and `since`, the moment of the import. A receiver returns those of the phones that must stay, as a set.
contacts_leaving = Signal()
