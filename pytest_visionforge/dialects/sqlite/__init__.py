"""SQLite 3.40 and newer."""
