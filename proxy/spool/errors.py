"""Why a spool does not open. A directory that another process writes in is `proxy.disk.DirectoryLockedError`."""


class SpoolDamagedError(Exception):
    """The spool is not as it was written, and not as a kill leaves it: a person must look before it goes on."""


class SpoolKeyError(Exception):
    """The spool was written with another key."""
