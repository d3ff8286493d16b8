"""A campaign's budget of segments and of money, kept by the claim: so it is a cap and not a hope.

What a campaign may still spend is read under a lock of its own: not two workers, nor two senders of one campaign, spend
the same. Of segments the last message may go a little beyond, of money nothing may. A campaign whose money does not pay
for its next message says so (`CampaignLimit.spent`), and is passed over until the budget is raised.
"""

from delivery.states import sql_in
from delivery.tallies import NOT_HANDED_OVER

LOCK = """
SELECT pg_advisory_xact_lock(hashtextextended('smshub budget', campaign_id))
FROM (SELECT unnest(%(budgeted)s::bigint[]) AS campaign_id ORDER BY 1) AS budgeted
"""

#: Further parts of the claim's WITH, which has `fitting`: the rows that everything but a budget allows.
PAID = f""", purse AS MATERIALIZED (
    SELECT own.campaign_id, own.max_segments - tally.segments AS segments_left, own.max_cost - tally.cost AS money_left
    FROM delivery_campaignlimit AS own CROSS JOIN LATERAL (
        SELECT COALESCE(sum(segments), 0) AS segments, COALESCE(sum(cost), 0) AS cost FROM delivery_tally
        WHERE campaign_id = own.campaign_id AND status NOT IN {sql_in(NOT_HANDED_OVER)}) AS tally
    WHERE own.campaign_id = ANY(%(budgeted)s::bigint[])
), paid AS (
    SELECT id, campaign_id, segments_left, money_left, segments,
           sum(segments) OVER so_far AS campaign_segments, sum(cost) OVER so_far AS campaign_cost
    FROM fitting LEFT JOIN purse USING (campaign_id)
    WINDOW so_far AS (PARTITION BY campaign_id ORDER BY id ROWS UNBOUNDED PRECEDING)
), broke AS (
    UPDATE delivery_campaignlimit SET spent = true
    WHERE campaign_id IN (SELECT campaign_id FROM paid WHERE campaign_cost > money_left)
)"""

#: What the claim then takes its rows from.
CHOSEN = """paid WHERE (segments_left IS NULL OR campaign_segments - segments < segments_left)
    AND (money_left IS NULL OR campaign_cost <= money_left)"""
