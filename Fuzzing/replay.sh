#!/usr/bin/env bash
# Builds the fuzzers, runs every committed input once and fuzzes each parser for a few seconds more:
#     Fuzzing/replay.sh [SECONDS each, 2 unless told: half a minute in all, after the build]
set -euo pipefail
folder=$(cd "$(dirname "$0")" && pwd)
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! "$folder/fuzz.sh" all -max_total_time="${1:-2}" >"$log" 2>&1; then
    tail -n 60 "$log"
    exit 1
fi
awk '/^== /{name=$2} /number_of_executed_units/{printf "fuzzed %s: %d inputs\n", name, $2}' "$log"
