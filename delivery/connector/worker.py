"""The connector inside a Celery worker that reads the queue `connector`."""

from delivery.connector.holding import Connector
from delivery.resident import Resident

here = Resident("connector", Connector, "Only a connector worker holds connections.").here
