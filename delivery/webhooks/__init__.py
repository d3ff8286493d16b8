"""Webhooks out: other systems are told of what happens, in order, at least once (docs/webhooks.md)."""
