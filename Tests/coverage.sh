#!/usr/bin/env bash
# Runs the test suite with coverage and prints the lines covered of each target; fails where a numeric, data or
# configuration target has 90 % or less:
#     Tests/coverage.sh              # builds in .build/coverage, runs everything
#     Tests/coverage.sh --report     # the last run again
#     Tests/coverage.sh --missed Sources/LinearAlgebra/BLAS.swift    # its lines with their counts
set -euo pipefail
cd "$(dirname "$0")/.."
scratch=.build/coverage
if [ $# -eq 0 ]; then swift test --enable-code-coverage --scratch-path "$scratch" >&2; fi
folder=$scratch/debug
program=$folder/numeralPackageTests.xctest
[ -d "$program" ] && program=$program/Contents/MacOS/numeralPackageTests
tool=$(dirname "$(readlink -f "$(command -v swift)")")/llvm-cov
[ -x "$tool" ] || tool=llvm-cov
arguments=("$program" -instr-profile="$folder/codecov/default.profdata")
if [ "${1:-}" = --missed ]; then exec "$tool" show "${arguments[@]}" "$2"; fi
poor=0
printf '%-14s %8s %8s %8s\n' target lines missed covered
for target in Tensors Kernels NeuralNetwork Training Datasets Experiments Evaluation Reports; do
    read -r lines missed share < <("$tool" report "${arguments[@]}" "Sources/$target" | awk '/^TOTAL/{print $8, $9, $10}')
    printf '%-14s %8s %8s %8s\n' "$target" "$lines" "$missed" "$share"
    case $target in
    Evaluation | Reports) ;;
    *) awk -v share="${share%\%}" 'BEGIN{exit !(share <= 90)}' && poor=1 ;;
    esac
done
exit $poor
