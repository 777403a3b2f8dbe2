#!/usr/bin/env bash
# Stops the demo and removes what this checkout made, except the Python environment: that takes minutes to make again.
set -euo pipefail
cd "$(dirname -- "$0")/.."

if [ -x .nl2sql/venv/bin/python ] && [ -e .nl2sql/pg_config ]; then
    .nl2sql/venv/bin/python -m tools.demo clean
fi
rm -rf -- .nl2sql/log .nl2sql/run .nl2sql/stage extension/build extension/nl2sql.control build ./*.egg-info
rm -rf -- .pytest_cache .mypy_cache .ruff_cache
find sidecar extension tools tests bench -name __pycache__ -type d -prune -exec rm -rf -- {} +
echo "removed; the Python environment is in .nl2sql/venv, models are in ${NL2SQL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/nl2sql}"
