"""MariaDB 10.6 and newer, MySQL 8, through PyMySQL."""
