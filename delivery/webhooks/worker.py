"""The courier inside a Celery worker that reads the queue `webhooks`."""

from delivery.resident import Resident
from delivery.webhooks.courier import Courier

here = Resident("webhooks", Courier, "Only a worker of the queue webhooks tells anybody.").here
