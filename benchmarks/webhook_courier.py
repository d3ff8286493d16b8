"""The courier in a process of its own; answers each line with what it has used."""

import json
import sys
import time

import django


def main() -> None:
    django.setup()
    from benchmarks.usage import peak_memory
    from delivery.webhooks.courier import Courier
    from smshub import heap

    heap.settle()
    courier = Courier()
    courier.start()
    for _ in sys.stdin:
        print(json.dumps({"cpu": time.process_time(), "peak": peak_memory()}), flush=True)
    courier.close()


if __name__ == "__main__":
    main()
