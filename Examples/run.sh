#!/usr/bin/env bash
# Builds and runs the example package against this one:
#     Examples/run.sh              by path
#     Examples/run.sh versioned    as a tagged release of a git repository
# With NUMERAL_PORTABLE=1, as a Swift before 6.3 needs it of a release (it refuses unsafe flags there), the compiler optimises nothing
# in a debug build: it is built in release then.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
scratch=$root/.build/examples
configuration=debug
[ "${NUMERAL_PORTABLE:-0}" = 0 ] || configuration=release
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ "${1:-path}" = versioned ]; then
    git clone -q "$root" "$work/numeral"
    git -C "$work/numeral" tag 99.0.0
    cp -r "$root/Examples/Classify" "$work/Classify"
    rm -rf "$work/Classify/.build"
    sed -i "s|\.package(name: \"numeral\", path: [^)]*)|.package(url: \"file://$work/numeral\", exact: \"99.0.0\")|" \
        "$work/Classify/Package.swift"
    grep -q 99.0.0 "$work/Classify/Package.swift"
    package=$work/Classify
    scratch=$work/build
else
    package=$root/Examples/Classify
fi
swift build -c "$configuration" --package-path "$package" --scratch-path "$scratch" --product Classify
"$(swift build -c "$configuration" --package-path "$package" --scratch-path "$scratch" --show-bin-path)/Classify" \
    "$work/digits.safetensors" | tee "$work/output"
# A network that learnt nothing reads a tenth.
awk '/test images are read right/ {ok = $1 > 0.8 * $3} END {exit !ok}' "$work/output"
