"""Reminders: planned in sets when an appointment or a rule changes, handed over when they are due."""
