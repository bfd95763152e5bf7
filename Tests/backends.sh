#!/usr/bin/env bash
# Builds, tests and measures this project on one BLAS after another, and prints a Markdown table.
#
#   Tests/backends.sh [openblas|scipy-openblas|blis|netlib|atlas|mkl]…      without names: all of them
#
# Install what you name first: CONTRIBUTING.md has a line for each. From the environment:
#   WHEELS  the Python virtual environment that holds mkl-devel and scipy-openblas32 (.build/wheels)
#   RUN     put before each build, test and measurement, such as "nice" or "timeout 600"
# Logs and builds stay in .build/<name>. Exits with 1 where a backend fails to build, a test or the self-test fails, or
# one call uses more than one thread.
#
# CPU/wall is doctor's processor time over elapsed time with one thread in the pool, while the environment asks every
# library for two: 1.0 where each call really runs on one thread.
set -uo pipefail
cd "$(dirname "$0")/.."

wheels=$(realpath -m "${WHEELS:-.build/wheels}")
read -ra run <<<"${RUN:-}"
names=("$@")
[ $# -gt 0 ] || names=(openblas scipy-openblas blis netlib atlas mkl)
failed=0
export TIMEFORMAT='%R %U %S'

field() { sed -n "s/^$2  *//p" "$1" | head -n 1; }

row() {
    local name=$1 scratch=.build/$1 tests
    mkdir -p "$scratch"
    export NUMERAL_BLAS=$name
    unset NUMERAL_BLAS_PREFIX
    case $name in
        mkl) export NUMERAL_BLAS_PREFIX=$wheels ;;
        scipy-openblas) export NUMERAL_BLAS_PREFIX=$(echo "$wheels"/lib/python3*/site-packages/scipy_openblas32) ;;
    esac
    if ! "${run[@]}" swift build --build-tests --scratch-path "$scratch" >"$scratch/build.log" 2>&1; then
        echo "| $name | does not build: see $scratch/build.log | | | | | | |"
        return 1
    fi
    local status=0
    "${run[@]}" swift test --skip-build --scratch-path "$scratch" >"$scratch/test.log" 2>&1 || status=1
    tests=$(grep -oE 'Test run with [0-9]+ tests.*(passed|failed)' "$scratch/test.log" | tail -n 1 |
        sed -E 's/Test run with ([0-9]+) tests.*(passed|failed)/\1 \2/')
    [ $status -eq 0 ] || tests="${tests:-crashed}: see $scratch/test.log"

    local trainer
    trainer=$(swift build --scratch-path "$scratch" --show-bin-path)/trainer
    OMP_NUM_THREADS=2 OPENBLAS_NUM_THREADS=2 BLIS_NUM_THREADS=2 BLIS_JC_NT=2 MKL_NUM_THREADS=2 \
        MKL_DOMAIN_NUM_THREADS="MKL_BLAS=2" \
        "${run[@]}" bash -c 'time "$0" doctor --threads 1 >"$1/doctor.log" 2>"$1/doctor.err"' "$trainer" "$scratch" \
        2>"$scratch/time.log" || status=1
    local log=$scratch/doctor.log
    local ratio version
    ratio=$(awk '{ printf "%.2f", ($2 + $3) / $1 }' "$scratch/time.log")
    awk -v ratio="$ratio" 'BEGIN { exit !(ratio > 1.15) }' && status=1
    version=$(field "$log" "BLAS" | sed "s/^$name: //")
    echo "| $name | $version | $(field "$log" "BLAS core") | $tests | $(field "$log" "self-test")" \
        "| $(field "$log" "peak, 1024³" | cut -d' ' -f1) | $(field "$log" "tile, 96×32×288" | cut -d' ' -f1) | $ratio |"
    return $status
}

echo "| backend | version | core | tests | self-test | 1024³, GFLOP/s | 96×32×288, GFLOP/s | CPU/wall |"
echo "|---|---|---|---|---|---|---|---|"
for name in "${names[@]}"; do row "$name" || failed=1; done
exit $failed
