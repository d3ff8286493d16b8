"""How many examples property tests draw: few in a run of `make test`, twice as many in that of `.ci/run`.

TEST_DEPTH multiplies them, as CHAOS_SCALE does with what is killed.
"""

import os

DEPTH = int(os.environ.get("TEST_DEPTH") or 1)
EXAMPLES = 50 * DEPTH
