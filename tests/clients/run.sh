#!/bin/sh
# Runs the vendors' own client libraries against a sandbox: run.sh http://127.0.0.1:PORT
# Installs them into $HANDOFFD_CLIENTS_DIR (default: .venv and node_modules beside this script) when they are missing.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
base=${1:?usage: run.sh BASE_URL}
dir=${HANDOFFD_CLIENTS_DIR:-$here}
mkdir -p "$dir"
if [ ! -x "$dir/.venv/bin/python" ]; then
    python3 -m venv "$dir/.venv"
    "$dir/.venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
fi
if [ ! -d "$dir/node_modules/jsforce" ]; then
    [ "$dir" = "$here" ] || cp "$here/package.json" "$dir/package.json"
    (cd "$dir" && npm install --silent --no-audit --no-fund)
fi
"$dir/.venv/bin/python" "$here/salesforce_simple.py" "$base"
NODE_MODULES_DIR="$dir/node_modules" node "$here/salesforce_jsforce.mjs" "$base"
