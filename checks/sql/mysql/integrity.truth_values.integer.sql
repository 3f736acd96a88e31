-- law: A flag is 0 or 1.
-- why: tinyint(1) is a truth value to drivers and migration tools: 2 arrives as true, or not at all.
-- remedy: Correct the values, or have the column migrated as a number.
-- towards: postgresql sqlite
-- types: ^tinyint\(1\)
-- says: {column} is neither 0 nor 1
{column} NOT IN (0, 1)
