"""The usual design of bulk sending, small and honest, to be measured beside: see `benchmarks.comparison`.

A Celery task per message on a Redis broker, which calls the provider by Twilio's own SDK and writes its id by the
ORM; a plain Django view that checks the signature of a status callback and enqueues a Celery task per callback, which
writes the status by the ORM. It keeps no timeline, looks at no consent, knows no limits, and texts twice when a
worker dies: all of that work it saves.
"""

from benchmarks.usual_design.celery import app as celery_app

__all__ = ["celery_app"]
