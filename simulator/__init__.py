"""A carrier on loopback: it takes messages, keeps a ledger of them, reports on them, and misbehaves to order.

Stands apart from the product and imports nothing of it but SMPP's codec, so that its ledger can bear witness.
"""
