"""Python's own hook at its start, found by PYTHONPATH: this process and its children live in another time."""

import os
from datetime import UTC, datetime, timedelta

import time_machine

time_machine.travel(datetime.now(UTC) + timedelta(seconds=float(os.environ["CLOCK_OFF_SECONDS"]))).start()
