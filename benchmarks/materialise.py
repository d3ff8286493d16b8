"""How fast an audience becomes message rows, and how much memory it takes: `python -m benchmarks.materialise 20000`.

Works in a scratch database beside that of DATABASE_URL, dropped at the end. For each size, in a fresh process (so
that its peak memory is its own): freeze the audience, then materialise it with one worker. Rendering, smart encoding
and measuring are also timed alone, on the same contacts, to tell the writing apart.

`--writers` compares the ways to write a chunk of rows; the first is the one in use.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "smshub.settings")
import django

django.setup()

# Models can be imported only now.
from django.conf import settings  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.utils import timezone  # noqa: E402

from campaigns import launch, materialise  # noqa: E402
from campaigns.models import Campaign, Template, TemplateVersion  # noqa: E402
from contacts.models import ContactList  # noqa: E402
from delivery.models import Message, Provider, Sender, new_message_id  # noqa: E402

BODY = "Hi {{ first_name }}, your table at {{ clinic | default: 'our place' }} is ready – it’s number {{ number }}."


def use_scratch_database() -> None:
    settings.DATABASES["default"]["NAME"] = connection.settings_dict["NAME"] = scratch_name()


def scratch_name() -> str:
    return connection.settings_dict["NAME"].removesuffix("_benchmark") + "_benchmark"


def campaign_to(size: int) -> Campaign:
    provider = Provider.objects.create(name=f"Provider {size} {time.time()}", adapter="console")
    sender = Sender.objects.create(provider=provider, address="+16505550001")
    everyone = ContactList.objects.create(name=f"{size} people {time.time()}")
    with connection.cursor() as cursor:
        cursor.execute(
            """WITH person AS (
                   INSERT INTO contacts_contact
                       (phone, name, language, time_zone, country, attributes, created_at, updated_at)
                   SELECT '+1415' || 1000000000 + n, 'Person ' || n, 'en', '', 'US',
                          jsonb_build_object('number', n, 'clinic', 'Elm Street'), now(), now()
                   FROM generate_series(1, %s) AS n
                   ON CONFLICT (phone) DO UPDATE SET name = excluded.name RETURNING id)
               INSERT INTO contacts_membership (contact_list_id, contact_id, created_at)
               SELECT %s, id, now() FROM person""",
            [size, everyone.pk],
        )
        cursor.execute("ANALYZE contacts_contact")
    template = Template.objects.create(name=f"Template {time.time()}")
    TemplateVersion.objects.create(template=template, number=1, body=BODY)
    campaign = Campaign.objects.create(name="Benchmark", template=template, sender=sender)
    campaign.include.set([everyone])
    return campaign


def one(size: int) -> dict[str, Any]:
    campaign = campaign_to(size)
    idle = peak_memory()
    figures: dict[str, Any] = {"size": size}
    figures["preflight"] = seconds(lambda: launch.preflight(campaign))
    figures["launch"] = seconds(lambda: launch.launch(campaign=campaign, actor=None))
    figures["freeze"] = seconds(lambda: materialise.freeze(campaign.pk))
    cpu = time.process_time()
    figures["materialise"] = seconds(lambda: materialise.materialise(campaign.pk, seconds=3600))
    figures["cpu"] = time.process_time() - cpu
    figures["megabytes"] = peak_memory() - idle
    figures["rendering"] = rendering(size)
    assert Message.objects.filter(campaign_id=campaign.pk, status="queued").count() == size
    return figures


def rendering(size: int) -> float:
    """Seconds for the texts alone, extrapolated from one chunk."""
    version = TemplateVersion(body=BODY, smart_encoding=True)
    people = [
        materialise._Contact(n, "+14155550123", f"Person {n}", "en", "US", f'{{"number": {n}, "clinic": "Elm Street"}}')
        for n in range(1000)
    ]
    text_for = materialise._renderer(version)
    return seconds(lambda: [materialise._outcome(person, text_for) for person in people]) * size / 1000


def seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def peak_memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


# --- ways to write ----------------------------------------------------------------------------------------------

_VARIED = "id, contact_id, recipient, body, encoding, segments, status, reason"
_ALL = f"{_VARIED}, campaign_id, provider_id, sender_id, lane, error_code, attempt, provider_message_id, created_at"


def in_use(campaign: Campaign, sender: Sender, outcomes: list[Any]) -> None:
    materialise._write(campaign, sender, outcomes)


def copy_text(campaign: Campaign, sender: Sender, outcomes: list[Any]) -> None:
    """The same with COPY in text format."""
    with connection.cursor() as cursor:
        cursor.execute(materialise._STAGE)
        with cursor.copy(f"COPY materialise_stage ({_VARIED}) FROM STDIN") as copy:
            for outcome in outcomes:
                copy.write_row((new_message_id(), *outcome))
        values = {"campaign": campaign.pk, "provider": sender.provider_id, "sender": sender.pk, "lane": 3}
        cursor.execute(materialise._INSERT, values | {"now": timezone.now()})


def copy_straight(campaign: Campaign, sender: Sender, outcomes: list[Any]) -> None:
    """COPY into the table itself: one row that is there already fails the whole chunk."""
    rest = (campaign.pk, sender.provider_id, sender.pk, 3, "", 1, "", timezone.now())
    types = (*materialise._STAGED_TYPES, "int8", "int8", "int8", "int2", "text", "int2", "text", "timestamptz")
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY delivery_message ({_ALL}) FROM STDIN (FORMAT BINARY)") as copy,
    ):
        copy.set_types(types)
        for outcome in outcomes:
            copy.write_row((new_message_id(), *outcome, *rest))


def unnest(campaign: Campaign, sender: Sender, outcomes: list[Any]) -> None:
    columns = [list(column) for column in zip(*((new_message_id(), *outcome) for outcome in outcomes), strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(
            f"""INSERT INTO delivery_message ({_ALL})
                SELECT {_VARIED}, %s, %s, %s, 3, '', 1, '', now()
                FROM unnest(%s::uuid[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::smallint[],
                            %s::text[], %s::text[]) AS row ({_VARIED})
                ON CONFLICT (campaign_id, contact_id) WHERE campaign_id > 0 DO NOTHING""",
            [campaign.pk, sender.provider_id, sender.pk, *columns],
        )


def writers(chunks: int = 20) -> None:
    campaign = campaign_to(1)
    assert campaign.sender is not None
    contact = 0
    for writer in (in_use, copy_text, copy_straight, unnest):
        spent = 0.0
        for _ in range(chunks):
            outcomes = [
                materialise._Outcome(
                    contact + n, "+14155550123", f"Hi Person {n}, your table is ready.", "gsm7", 1, "queued", ""
                )
                for n in range(materialise.CHUNK_SIZE)
            ]
            contact += len(outcomes)
            started = time.perf_counter()
            with transaction.atomic():
                writer(campaign, campaign.sender, outcomes)
            spent += time.perf_counter() - started
        print(f"{writer.__name__:15}{chunks * materialise.CHUNK_SIZE / spent:10,.0f} rows/s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", nargs="*", type=int, default=[20_000])
    parser.add_argument("--writers", action="store_true")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        use_scratch_database()
        json.dump(one(options.one), sys.stdout)
        return
    original = connection.settings_dict["NAME"]
    connection.settings_dict["TEST"]["NAME"] = scratch_name()
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        if options.writers:
            writers()
            return
        print(f"{'contacts':>10}{'preflight':>11}{'freeze':>9}{'rows/s':>9}{'without rendering':>19}{'MB':>6}")
        for size in options.sizes:
            child = subprocess.run(
                [sys.executable, "-m", "benchmarks.materialise", "--one", str(size)], stdout=subprocess.PIPE, check=True
            )
            figures = json.loads(child.stdout)
            took, text = figures["materialise"], figures["rendering"]
            print(
                f"{size:10,}{figures['preflight']:10.2f}s{figures['freeze']:8.2f}s{size / took:9,.0f}"
                f"{size / (took - text):19,.0f}{figures['megabytes']:6.0f}"
            )
    finally:
        connection.creation.destroy_test_db(original, verbosity=0)


if __name__ == "__main__":
    main()
