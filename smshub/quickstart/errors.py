class QuickstartError(Exception):
    """Something the person at the keyboard can put right.

    The message says what is wrong and what to do; it is shown without a traceback, and the exit status is 1.
    """
