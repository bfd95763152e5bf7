#!/usr/bin/env bash
# Fuzzes one parser, or all in turn, from the seeds and the committed corpus:
#     Fuzzing/fuzz.sh safetensors -runs=10000000
#     Fuzzing/fuzz.sh all -max_total_time=600
# What is new goes to Fuzzing/.build/corpus/PARSER; inputs that break a promise to Fuzzing/.build/found.
set -euo pipefail
folder=$(cd "$(dirname "$0")" && pwd)
parsers="idx gzip zip safetensors model json config overrides cache checkpoint npz weights png jpeg pnm service form labels tables mat hdf5 shards"
if [ $# -lt 1 ] || ! grep -qw -- "$1" <<<"$parsers all"; then
    echo "usage: $0 PARSER [libFuzzer options]; PARSER is all or one of: $parsers" >&2
    exit 2
fi
[ "$1" = all ] || parsers=$1
shift
program=$("$folder/build.sh")
mkdir -p "$folder/.build/found"
# A trap is libFuzzer's to report, not the Swift runtime's.
export SWIFT_BACKTRACE=enable=no
for parser in $parsers; do
    corpus=$folder/.build/corpus/$parser
    mkdir -p "$corpus" "$folder/Corpus/$parser"
    NUMERAL_FUZZ=$parser NUMERAL_FUZZ_SEEDS=$corpus "$program" -runs=1 >/dev/null 2>&1
    # What libFuzzer reads of an input: trees of HDF5, and a network with all its tensors, are longer than other files.
    case $parser in hdf5 | mat | model | checkpoint | weights) length=65536 ;; *) length=4096 ;; esac
    echo "== $parser"
    NUMERAL_FUZZ=$parser "$program" "$corpus" "$folder/Corpus/$parser" -artifact_prefix="$folder/.build/found/" \
        -max_len=$length -timeout=10 -rss_limit_mb=1024 -malloc_limit_mb=256 -print_final_stats=1 "$@"
done
