#!/usr/bin/env bash
# What the BLAS of this machine delivers: its health and peak, a sweep of sizes, and the products of a network.
#
#   Examples/gemm.sh [TRAINER]        default: swift run -q trainer
set -euo pipefail
cd "$(dirname "$0")/.."
trainer=${1:-swift run -q trainer}
$trainer doctor
$trainer gemm --quick
$trainer gemm --config config/reference.json --quick
