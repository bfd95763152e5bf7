#!/usr/bin/env bash
# Builds the package of examples against this one and runs both programs:
#     Examples/run.sh              by path
#     Examples/run.sh versioned    as a tagged release of a git repository, Classify alone
# With NUMERAL_PORTABLE=1, as a Swift before 6.3 needs it of a release (it refuses unsafe flags there), the compiler optimises nothing
# in a debug build: it is built in release then.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
scratch=$root/.build/examples
configuration=debug
[ "${NUMERAL_PORTABLE:-0}" = 0 ] || configuration=release
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
package=$root/Examples
programs="Classify Extension"
if [ "${1:-path}" = versioned ]; then
    git clone -q "$root" "$work/numeral"
    git -C "$work/numeral" tag 99.0.0
    mkdir "$work/examples"
    cp -r "$root/Examples/Package.swift" "$root/Examples/Classify" "$root/Examples/Extension" "$work/examples"
    sed -i "s|\.package(name: \"numeral\", path: [^)]*)|.package(url: \"file://$work/numeral\", exact: \"99.0.0\")|" \
        "$work/examples/Package.swift"
    grep -q 99.0.0 "$work/examples/Package.swift"
    package=$work/examples
    scratch=$work/build
    programs=Classify
fi
build() { swift build -c "$configuration" --package-path "$package" --scratch-path "$scratch" "$@"; }
for program in $programs; do build --product "$program"; done
bin=$(build --show-bin-path)

"$bin/Classify" "$work/digits.safetensors" | tee "$work/output"
# A network that learnt nothing reads a tenth.
awk '/test images are read right/ {ok = $1 > 0.8 * $3} END {exit !ok}' "$work/output"
[ "$programs" = Classify ] && exit

# What the engine does not know: layers, a loss, an optimizer, an augmentation, a metric and a data source of another package.
extension=$bin/Extension config=$root/Examples/Extension/config.json
"$extension" gradients
for threads in 1 2; do
    "$extension" train --config "$config" --threads $threads --output "$work/$threads" --quiet | head -n 1
done
cmp "$work"/1/*/model.safetensors "$work"/2/*/model.safetensors
echo "1 and 2 threads wrote the same model"
"$extension" train --config "$config" --set training.epochs=40 --output "$work/whole" --quiet >/dev/null
# A shell's background jobs ignore SIGINT: SIGTERM is what stops them.
"$extension" train --config "$config" --set training.epochs=40 --output "$work/parts" --quiet >/dev/null 2>"$work/stopped" &
for _ in $(seq 600); do
    ls "$work"/parts/*/checkpoints/* >/dev/null 2>&1 && break
    sleep 0.05
done
kill -TERM $!
status=0
wait $! || status=$?
if [ "$status" -ne 143 ] || [ -e "$work"/parts/*/metrics.json ]; then
    echo "the training was not interrupted: exit code $status"
    exit 1
fi
"$extension" train --resume "$work"/parts/* --quiet >/dev/null
cmp "$work"/whole/*/model.safetensors "$work"/parts/*/model.safetensors
echo "interrupted and resumed it is the same model"
"$extension" export --model "$work"/1/* --format onnx "$work/strokes.onnx" >/dev/null
[ -s "$work/strokes.onnx" ]
echo "exported to ONNX by hooks of its own"
"$extension" inspect --config "$config" | grep -E "mySwish|myDepthwise"
