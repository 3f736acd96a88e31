-- law: Every value fits the size that its column declares.
-- why: SQLite takes VARCHAR(40) for a remark, and keeps texts of any length; the target refuses or cuts them.
-- remedy: Shorten the values, or make the column wider in the target.
-- severity: block
-- towards: postgresql mysql
-- columns: text
-- says: {column} holds more than {type} takes
typeof({column}) = 'text' AND length({column}) > {size}
