"""Everything that starts SMSHub on one machine with nothing but Python: servers, processes, the `up` command.

Nothing here imports Django before `up` has put the addresses of the servers into the environment.
"""
