"""The garbage collector, told what kind of process this is: much that was loaded once, and many short-lived objects.

Left alone it goes through all of Django again and again while messages pass by, none of which leave cycles behind:
a fifth of a dispatch process's time. What is there at the start is never looked at again, and the rest less often;
what an exception's traceback ties up is still found, a little later.
"""

import gc

#: Objects made, less those gone, until the young are looked through; of such looks until the middle-aged, and the old.
THRESHOLDS = (20_000, 20, 20)


def settle() -> None:
    """Call when what the process needs has been loaded; in a process that forks, in the child."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
