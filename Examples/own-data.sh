#!/usr/bin/env bash
# Trains on a folder of pictures and reads others with what came of it: bars and boxes drawn here, in two folders.
#
#   Examples/own-data.sh [TRAINER]        default: swift run -q trainer
set -euo pipefail
cd "$(dirname "$0")/.."
trainer=${1:-swift run -q trainer}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# draw FILE CONDITION: a grey picture, dark where awk's condition on x and y holds.
draw() {
    awk "BEGIN { print \"P2 40 40 255\"
        for (y = 0; y < 40; y++) { for (x = 0; x < 40; x++) printf \"%d \", ($2) ? 0 : 255; print \"\" } }" >"$1"
}
mkdir -p "$work"/pictures/{bar,box} "$work/new"
for index in $(seq 40); do
    left=$((6 + index % 13)) wide=$((9 + index % 14))
    draw "$work/pictures/bar/$index.pgm" "x >= $left && x < $left + 3 + $index % 3 && y > 5 && y < 35"
    draw "$work/pictures/box/$index.pgm" \
        "x > 5 && x < 9 + $wide && y > 5 && y < 35 && !(x > 8 && x < 6 + $wide && y > 8 && y < 32)"
done
draw "$work/new/one.pgm" "x > 20 && x < 25 && y > 8 && y < 30"
draw "$work/new/two.pgm" "x > 8 && x < 30 && y > 8 && y < 33 && !(x > 11 && x < 27 && y > 11 && y < 30)"

$trainer --config config/default.json --data "$work/pictures" --set training.batchSize=8 --output "$work/runs" --quiet | head -n 1
$trainer predict --model "$work"/runs/* "$work/new"
