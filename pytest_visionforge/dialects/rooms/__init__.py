"""The rooms that every DBMS has, one Protocol a module: what the others may ask of it."""
