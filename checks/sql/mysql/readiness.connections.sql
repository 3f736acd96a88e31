-- law: There is room for more connections.
-- on: source and target
-- limits: share = 0.8
SHOW GLOBAL STATUS WHERE Variable_name = 'Threads_connected' AND Value > :share * @@global.max_connections
