"""Whether a message may arrive at this moment, in SQL."""

#: Of a message (m), with the lanes that are %(bound)s: NULL if it may arrive now, else when to look again. That is the
#: next opening; or this moment, where the place is not known yet, or its window is over and its next one not known.
SHUT_UNTIL = """CASE WHEN m.lane = ANY(%(bound)s::smallint[]) THEN NULLIF(COALESCE(
    (SELECT CASE WHEN p.opens_at > statement_timestamp() THEN p.opens_at
                 WHEN p.closes_at > statement_timestamp() THEN '-infinity' ELSE statement_timestamp() END
     FROM delivery_place AS p WHERE p.id = m.place_id), statement_timestamp()), '-infinity') END"""
