"""Appointments: how they come in, and what a source says of them."""
