"""The simulated carrier's account, as its own defaults have it."""

ACCOUNT = "AC" + "0" * 32
AUTH_TOKEN = "simulator-auth-token"
SENDER = "+15005550006"
