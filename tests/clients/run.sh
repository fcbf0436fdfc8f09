#!/bin/sh
# Runs the vendor's own client libraries against a sandbox, which says whose it is: run.sh http://127.0.0.1:PORT
# Installs them into $HANDOFFD_CLIENTS_DIR (default: .venv and node_modules beside this script) when they are missing.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
base=${1:?usage: run.sh BASE_URL}
dir=${HANDOFFD_CLIENTS_DIR:-$here}
mkdir -p "$dir"
[ -x "$dir/.venv/bin/python" ] || python3 -m venv "$dir/.venv"
if ! "$dir/.venv/bin/python" -c 'import simple_salesforce, hubspot' 2>/dev/null; then
    "$dir/.venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
fi
if [ ! -d "$dir/node_modules/jsforce" ] || [ ! -d "$dir/node_modules/@hubspot/api-client" ]; then
    [ "$dir" = "$here" ] || cp "$here/package.json" "$dir/package.json"
    (cd "$dir" && npm install --silent --no-audit --no-fund)
fi
vendor=$(curl -fsS "$base/_sandbox" | sed -n 's/.*"sandbox":"\([a-z]*\)".*/\1/p')
case $vendor in
salesforce)
    "$dir/.venv/bin/python" "$here/salesforce_simple.py" "$base"
    NODE_MODULES_DIR="$dir/node_modules" node "$here/salesforce_jsforce.mjs" "$base"
    ;;
hubspot)
    "$dir/.venv/bin/python" "$here/hubspot_official.py" "$base"
    NODE_MODULES_DIR="$dir/node_modules" node "$here/hubspot_official.mjs" "$base"
    ;;
*)
    echo "no client libraries are known for the sandbox '$vendor'" >&2
    exit 1
    ;;
esac
