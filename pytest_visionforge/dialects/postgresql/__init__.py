"""PostgreSQL 13 and newer, through psycopg 3."""
