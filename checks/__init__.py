"""The rules. A module is a suite, named for its question; a rule is a `check_...` function.

Checks read, and nothing else. They use the public names of pytest_visionforge only, and nobody
imports them; among themselves they import relatively, as the folder has one name in the repository
and another one once it is installed.
"""
