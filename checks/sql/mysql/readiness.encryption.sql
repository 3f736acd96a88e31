-- law: What travels over the network is encrypted.
-- on: source and target
-- over: network
SHOW SESSION STATUS WHERE Variable_name = 'Ssl_cipher' AND Value = ''
