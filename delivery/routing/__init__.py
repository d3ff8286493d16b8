"""Which way a message leaves: routes (`table`), how providers do (`rules`, `health`), and what follows (`failover`)."""
