# The folder of what is downloaded once for all checkouts; sourced after lib.sh.
# shellcheck shell=bash disable=SC2034

CACHE=${NL2SQL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/nl2sql}
