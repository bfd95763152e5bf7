#!/usr/bin/env bash
# Builds the tests and runs them; arguments go to `swift test`. That alone does it too, but builds every tool of every package
# in sight first, protobuf's compiler with its 293 files of C and C++ among them, which nothing here needs.
set -euo pipefail
cd "$(dirname "$0")/.."
swift build --product trainer
swift build --product numeralPackageTests
exec swift test --skip-build "$@"
