"""Gateways that others run in the hub's place, doing the same work: `python -m benchmarks smpp --rivals kannel jasmin`.

Each is set up as its own manual says, for one SMPP bind and a callback per final status, in a folder of the run.
Nothing of theirs is in this repository but their configuration.
"""
