# Sourced once by the image's entry point, which starts the server anew afterwards. The server's socket lies in a volume that
# the sidecar's container has, too: it must not be trusted there, as it is in a new cluster, but for the sidecar's own role.
sed -i '/^local/d' "$PGDATA/pg_hba.conf"
cat >>"$PGDATA/pg_hba.conf" <<'END'
local all nl2sql_sidecar peer map=nl2sql
local all postgres peer map=superuser
local all all scram-sha-256
END
cat >>"$PGDATA/pg_ident.conf" <<'END'
nl2sql nl2sql nl2sql_sidecar
superuser postgres postgres
superuser root postgres
END
