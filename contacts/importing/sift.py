"""The records of a file: accepted, or rejected with the reason; who wants no texts is noted either way."""

from collections.abc import Callable, Iterable, Iterator

from django.utils.translation import gettext as _

from contacts import consent
from contacts.importing import opt_outs
from contacts.importing.rejects import RejectedRows
from contacts.importing.rows import Rejected, Values, cleaner
from contacts.models import ContactImport

_SHOW_EVERY = 512


def sift(
    upload: ContactImport,
    records: Iterable[tuple[int, list[str]]],
    *,
    brought: Callable[[list[str], bool], tuple[str | None, str | None]] | None,
    rejected: RejectedRows,
    stops: opt_outs.OptOuts,
    show: Callable[[int], None],
) -> Iterator[tuple[int, Values]]:
    """Of (line, cells) the accepted as (line, values); the others go to `rejected`, opt-outs of both to `stops`.

    `brought` (`contacts.importing.consents.reader`) reads what a row says of consent, which follows the other values.
    `show` is called now and then with the number of rows read. The database is asked at once, and not while rows are
    taken: they go into a COPY.
    """
    clean = cleaner(header=upload.header, mapping=upload.mapping, default_country=upload.default_country)
    wants_no_texts, rescued = opt_outs.reader(upload), opt_outs.rescuer(upload)
    is_erased = consent.erased_test() or (lambda _phone: False)

    def accepted() -> Iterator[tuple[int, Values]]:
        for row, (line, cells) in enumerate(records, start=1):
            if not row % _SHOW_EVERY:
                show(row)
            try:
                values = clean(cells)
                phone = str(values[0])
                opted_out = wants_no_texts is not None and wants_no_texts(cells)
                if brought:
                    values += brought(cells, opted_out)
                if is_erased(phone):
                    raise Rejected("erased", _("The owner of this number had themselves erased."))
            except Rejected as why:
                stopped = rescued(cells)
                if why.reason == "erased" or (stopped and is_erased(stopped)):
                    # Stopped for good already, and nothing of them may be kept.
                    rejected.add(line, why, [])
                elif stopped:
                    stops.add(line, stopped)
                    stops.of_rejected += 1
                    taken = _("Their opt-out is taken all the same.")
                    rejected.add(line, Rejected(why.reason, f"{why.message} {taken}"), cells)
                else:
                    rejected.add(line, why, cells)
            else:
                if opted_out:
                    stops.add(line, phone)
                yield line, values

    return accepted()
