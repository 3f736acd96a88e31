-- law: No value is larger than the target takes in one packet.
-- why: max_allowed_packet is 16 MiB in MariaDB by default: a larger value breaks the connection during the load.
-- remedy: SET GLOBAL max_allowed_packet on the target, and --max-allowed-packet for its clients.
-- towards: mysql
-- columns: text bytes
-- limits: bytes = 16000000
-- says: {column} is too large
length(CAST({column} AS BLOB)) > :bytes
