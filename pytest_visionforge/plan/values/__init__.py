"""The plan as frozen values: what is migrated and what must hold.

Nothing here reads a file or a database. `plan.read` makes these values from TOML. All of them are
hashable: mappings take part in comparing, not in the hash.
"""
