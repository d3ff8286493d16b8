"""How a message of its own comes into the queue: what is asked for (`drafts`), what becomes of it (`rules`), its row
(`rows`). The ways in are in `delivery.submit`."""
