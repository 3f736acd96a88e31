-- Text that is no date of the calendar, in ISO 8601, is read by no other DBMS; SQLite itself takes 30 February.
typeof({column}) = 'blob' OR (typeof({column}) = 'text'
  AND (julianday({column}) IS NULL OR date(substr({column}, 1, 10), '+0 days') IS NOT substr({column}, 1, 10)))
