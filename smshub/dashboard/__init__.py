"""The home page: what runs, how it goes today, what is next, and what waits for a person."""
