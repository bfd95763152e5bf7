#!/usr/bin/env bash
# Builds the fuzzers with the address sanitizer and libFuzzer's coverage, and prints where the program is. SwiftPM's own
# `--sanitize fuzzer` leaves out the main function, and the compiler takes the last of two `-sanitize` options.
set -euo pipefail
cd "$(dirname "$0")/.."
export NUMERAL_FUZZING=1
swift build -c release --scratch-path Fuzzing/.build --sanitize fuzzer -Xswiftc -sanitize=fuzzer,address -Xswiftc -enable-testing --product Fuzz >&2
echo "$(pwd)/Fuzzing/.build/release/Fuzz"
