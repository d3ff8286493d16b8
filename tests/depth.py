"""How many examples property tests draw: few in a run of `make test`, twice as many in that of `.ci/run`."""

import os


def times_depth(examples: int) -> int:
    """TEST_DEPTH multiplies them, as CHAOS_SCALE does with what is killed."""
    return examples * int(os.environ.get("TEST_DEPTH") or 1)
