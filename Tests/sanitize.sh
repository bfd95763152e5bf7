#!/usr/bin/env bash
# Runs the test suite under a sanitizer, each in a build folder of its own:
#     Tests/sanitize.sh address [swift test options]
#     Tests/sanitize.sh thread [swift test options]
set -euo pipefail
cd "$(dirname "$0")/.."
kind=${1:?address or thread}
shift
case $kind in
address)
    # Leaks are not looked for: the Swift runtime keeps metadata and lazy globals for the life of the process.
    export ASAN_OPTIONS=detect_leaks=0:${ASAN_OPTIONS:-}
    ;;
thread) export TSAN_OPTIONS=suppressions=$PWD/Tests/thread-sanitizer.txt:${TSAN_OPTIONS:-} ;;
*)
    echo "usage: $0 address|thread [swift test options]" >&2
    exit 2
    ;;
esac
exec swift test --sanitize "$kind" --scratch-path ".build/$kind" "$@"
