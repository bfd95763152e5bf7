#!/usr/bin/env bash
# Twelve pictures of each of three signs, learnt from the network in the box; and others read with what came of it.
#
#   Examples/fine-tuning.sh [TRAINER]        default: swift run -q trainer
set -euo pipefail
cd "$(dirname "$0")/.."
trainer=${1:-swift run -q trainer}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# draw FILE CONDITION: a grey picture, dark where awk's condition on x and y holds.
draw() {
    awk "BEGIN { print \"P2 40 40 255\"
        for (y = 0; y < 40; y++) { for (x = 0; x < 40; x++) printf \"%d \", ($2) ? 30 : 220; print \"\" } }" >"$1"
}
sign() { # FILE NAME SIZE
    case $2 in
    plus) draw "$1" "(x > 18 && x < 22 || y > 18 && y < 22) && x > 20 - $3 && x < 20 + $3 && y > 20 - $3 && y < 20 + $3" ;;
    minus) draw "$1" "y > 18 && y < 22 && x > 20 - $3 && x < 20 + $3" ;;
    cross) draw "$1" "(x - y < 4 && y - x < 4 || x + y > 36 && x + y < 44) && x > 20 - $3 && x < 20 + $3" ;;
    esac
}
mkdir -p "$work/new"
for name in plus minus cross; do
    mkdir -p "$work/pictures/$name"
    for index in $(seq 12); do sign "$work/pictures/$name/$index.pgm" $name $((6 + index)); done
    sign "$work/new/$name.pgm" $name 11
done

$trainer train --from box --data "$work/pictures" --set data.validationFraction=0.2 --output "$work/runs" --quiet | head -n 1
$trainer predict --model "$work"/runs/* "$work/new"
