-- law: No value is larger than the target takes in one packet.
-- towards: mysql
-- columns: text bytes
-- limits: bytes = 16000000
-- says: {column} is too large
octet_length({column}) > :bytes
