"""`python -m benchmarks.usual_design.launch SIZE`: the rows, and a task for each. Prints the moment it began."""

import sys
import time

import django


def main(size: int) -> None:
    django.setup()
    from benchmarks.usual_design.models import Text
    from benchmarks.usual_design.tasks import send

    print(time.monotonic(), flush=True)
    texts = [
        Text(
            recipient=f"+1{4150000000 + n}",
            body=f"Hi Person {n}, your table at Elm Street is ready - it's number {n}.",
        )
        for n in range(size)
    ]
    for text in Text.objects.bulk_create(texts, batch_size=1000):
        send.delay(text.pk)


if __name__ == "__main__":
    main(int(sys.argv[1]))
