#!/bin/sh
# The library's interface against a dump. usage: diff.sh DUMP LIBRARY HEADERS FOLDER
set -eu
here=$(dirname "$0")
command -v abidw >/dev/null || { echo "SKIPPED: abidw is missing; install abigail-tools"; exit 77; }
sh "$here/dump.sh" "$2" "$3" >"$4/new.abi"
exec /usr/bin/python3 "$here/diff.py" "$1" "$4/new.abi"
