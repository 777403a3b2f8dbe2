-- Run once, by the image's entry point, in a new cluster. 10001 is the sidecar's user in its own image.
CREATE EXTENSION nl2sql CASCADE;
SELECT nl2sql.set_setting('socket_path', '/run/nl2sql/sidecar.sock'), nl2sql.set_setting('sidecar_user', '10001');
-- The sidecar delivers audit records and keeps the schema index; who may log in as this role: nl2sql_access.sh.
ALTER ROLE nl2sql_sidecar LOGIN;
