"""The one exception that is meant for the user's eyes."""


class UserError(Exception):
    """Something the user can put right: the message is one sentence that says what and how.

    Steps print it without a traceback; the Snakefile stops with it before any job.
    """
