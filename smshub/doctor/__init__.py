"""What is wrong with this hub, and what to do about it, in sentences. `examine` has the list of checks."""
