-- law: Every materialized view has been filled.
-- why: One that was restored WITH NO DATA answers every query with an error.
-- remedy: REFRESH MATERIALIZED VIEW.
SELECT format('%I.%I', schemaname, matviewname) AS "view",
  format('REFRESH MATERIALIZED VIEW %I.%I', schemaname, matviewname) AS remedy
FROM pg_matviews WHERE NOT ispopulated
