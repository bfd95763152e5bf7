#!/usr/bin/env bash
# Builds libnumeral and reads pictures from C and from Python: what `trainer predict --segment` reads.
set -euo pipefail
cd "$(dirname "$0")/.."
swift build --product numeral
swift build --product trainer
bin=$(swift build --show-bin-path)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
pictures="docs/examples/three.png docs/examples/seven.jpg docs/examples/form.jpg"
compiler=$(command -v cc || command -v clang)
"$compiler" -Wall -Wextra -Werror Examples/C/classify.c -ISources/CInterface -L"$bin" -lnumeral -Wl,-rpath,"$bin" \
    -Wl,-rpath,"$(dirname "$(ldd "$bin/libnumeral.so" | awk '/libswiftCore/ {print $3}')")" -o "$work/classify"
"$work/classify" $pictures
python3 Examples/ctypes_read.py "$bin/libnumeral.so" $pictures >"$work/python"
# File, line, place and class; probabilities to four places.
"$bin/trainer" predict --segment --csv $pictures | tail -n +2 |
    awk -F, -v OFS=, '{printf "%s,%s,%s,%s,%s,%s,%s,%.4f\n", $1, $2, $4, $5, $6, $7, $8, $9}' >"$work/predict"
awk -F, -v OFS=, '{$8 = sprintf("%.4f", $8)} 1' "$work/python" | cmp - "$work/predict"
[ "$("$work/classify" $pictures | sed 's/.*://' | tr -d ' \n')" = "$(cut -d, -f7 "$work/predict" | tr -d '\n')" ]
echo "C, Python and predict read the same"
