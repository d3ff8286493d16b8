"""The home page: what runs, what is next, and whether the way out is open."""
