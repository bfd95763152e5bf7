#!/usr/bin/env bash
# The rooms of the house from the bottom layer up, as Package.swift has them: each with its files, its lines and what it imports.
# Ends with 1 where a room imports one that stands above it, one that Package.swift does not name, or where unsafe pointers
# are in a room that has no business with them.
set -euo pipefail
cd "$(dirname "$0")/.."
# Memory, numeric loops and the executor; and the rooms that call zlib, libpng and libjpeg-turbo, or that
# C calls.
unsafe="Tensors LinearAlgebra Workers Kernels NeuralNetwork Formats Pictures CInterface"

# Targets in Sources, in the order of Package.swift; everything before the tests.
rooms=$(sed -n '/From the bottom layer up/,/name: "TestSupport"/p' Package.swift |
    grep -oE 'name: "[A-Za-z]+"' | cut -d '"' -f 2 | while read -r name; do [ -d "Sources/$name" ] && echo "$name" || true; done)
declared() { # what Package.swift lets a room import
    awk -v room="$1" '
        /From the bottom layer up/ { targets = 1 }
        targets && $0 ~ "name: \"" room "\"" { inside = 1 }
        inside && /arget\($/ && !/name:/ { if (seen) exit }
        inside { print; seen = 1 }
        inside && /^ {8}\.(executableT|t)arget\(/ && $0 !~ "name: \"" room "\"" { exit }' Package.swift | grep -oE '"[A-Za-z]+"' | tr -d '"'
}

below=" "
status=0
printf '%-15s %5s %6s  %s\n' room files lines imports
for room in $rooms; do
    files=$(find "Sources/$room" -name '*.swift' | wc -l)
    lines=$(find "Sources/$room" -name '*.swift' -exec cat {} + | wc -l)
    imports=$(find "Sources/$room" -name '*.swift' -exec grep -hoE '^ *(@testable |@_exported |package |public )?import [A-Za-z]+' {} + |
        awk '{ print $NF }' | sort -u)
    ours=""
    for name in $imports; do
        case " $(echo $rooms) " in *" $name "*) ours="$ours $name" ;; *) continue ;; esac
        case "$below" in *" $name "*) ;; *)
            echo "$room imports $name, which does not stand below it" >&2
            status=1
            ;;
        esac
        if ! declared "$room" | grep -qx "$name"; then
            echo "$room imports $name, which Package.swift does not name for it" >&2
            status=1
        fi
    done
    printf '%-15s %5d %6d  →%s\n' "$room" "$files" "$lines" "$ours"
    below="$below$room "
    case " $unsafe " in *" $room "*) ;; *)
        if found=$(grep -rnE 'Unsafe(Mutable)?(Raw)?(Buffer)?Pointer' "Sources/$room" --include='*.swift' | grep -v '^[^:]*:[0-9]*: *///'); then
            echo "$room has unsafe pointers:" >&2
            echo "$found" | head -n 3 >&2
            status=1
        fi
        ;;
    esac
done
exit $status
