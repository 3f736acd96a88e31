"""The errors that are for people: no traceback, one message that says how to mend it.

VisionForgeError
├── PlanError            the plan cannot be used (exit code 4)
├── DatabaseError        a database does not do what was asked
│   ├── CannotConnect    it cannot be reached or opened
│   └── TimeLimit        a statement ran into its time limit
├── MigrationError       the migration or the cutover failed (exit code 1)
├── BackupError          a backup could not be made, read, proved or put back
│   └── Hindered         for want of something here: it says nothing of the backup
└── RecordError          a record or baseline cannot be read or is not what it says
"""

from __future__ import annotations


class VisionForgeError(Exception):
    """Something a person can mend. The message: what was tried, what was found, what to do."""

    exit_code = 3


class PlanError(VisionForgeError):
    """The plan cannot be used; every error in it is one line of the message."""

    exit_code = 4


class DatabaseError(VisionForgeError):
    """A database does not do what was asked of it; `code` is the SQLSTATE, "" where there is none.

    `remedy` is the grant that our role lacks, "" where that was not the reason.
    """

    code = ""
    remedy = ""


class CannotConnect(DatabaseError):
    """A database cannot be reached, opened, or is not one."""


class TimeLimit(DatabaseError):
    """A statement ran into its time limit and was cancelled by the server."""


class MigrationError(VisionForgeError):
    """The migration or the cutover failed; the message says in which step, and what is safe to do."""

    exit_code = 1


class BackupError(VisionForgeError):
    """A backup could not be made, read, proved or put back; what was there before still is."""


class Hindered(BackupError):
    """What is missing, too old or full here kept us from looking: nothing is said of what was looked at."""


class RecordError(VisionForgeError):
    """A record or a baseline cannot be read, or is not what it says it is."""
