-- law: No two-phase transaction waits for its end.
-- on: source and target
-- grant: GRANT XA_RECOVER_ADMIN ON *.* TO {role}
XA RECOVER
