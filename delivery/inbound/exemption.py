"""When a message goes out although its recipient has opted out, as the claim asks it.

Exactly one kind does: the confirmation of what the recipient's own text has changed. The claim believes no caller and
no flag on the message, but a row that names the message, its recipient, its sender and the digest of its sealed text,
and is less than an hour old. A message with another text, or to somebody else, is another message. What staff
suppressed, and a number that cannot be texted, is exempt from nothing.
"""

from contacts import consent

#: An answer that is later than this confirms nothing.
HOURS = 1
#: The suppressions that a confirmation passes: the person's own.
PASSED = consent.THEIR_OWN

_PASSED = ", ".join(f"'{reason.value}'" for reason in PASSED)

#: Of a message `m` and a suppression `s`.
SQL = f"""
(s.reason IN ({_PASSED}) AND EXISTS (
    SELECT 1 FROM delivery_confirmation AS c
    WHERE c.message_id = m.id AND c.phone = m.recipient AND c.sender_id = m.sender_id
      AND c.text_digest = sha256(m.body) AND c.created_at > statement_timestamp() - interval '{HOURS} hour'))
"""
