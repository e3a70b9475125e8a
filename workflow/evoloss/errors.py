"""The one exception whose message is written for the user."""


class UserError(Exception):
    """An error that the user can fix: the message is one sentence that says what is wrong and how to fix it.

    Steps print it without a traceback; the Snakefile stops with it before any job.
    """
