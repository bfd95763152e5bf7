#!/usr/bin/env bash
# Builds the library's documentation into .build/documentation, and fails on a warning or on a public symbol without a
# word:
#     docs/build.sh && (cd .build/documentation && python3 -m http.server 8000)
# then open http://localhost:8000/documentation/numeral. What Numeral passes on of other modules is shown as its own, and the guides
# of this folder are its articles.
set -euo pipefail
cd "$(dirname "$0")/.."
swift build --target Numeral
bin=$(swift build --show-bin-path)
graphs=.build/symbol-graphs
rm -rf "$graphs" .build/documentation
mkdir -p "$graphs"
modules=$(sed -nE 's/^@_exported import ((struct|enum|protocol|class) )?([A-Za-z]+).*/\3/p' Sources/Numeral/Numeral.swift | sort -u | paste -sd,)
swift symbolgraph-extract -module-name Numeral -I "$bin/Modules" -target "$(swiftc -print-target-info |
    sed -nE 's/^ *"unversionedTriple": "([^"]+)".*/\1/p')" -minimum-access-level public -skip-synthesized-members \
    -skip-inherited-docs "-experimental-allowed-reexported-modules=$modules" -output-dir "$graphs" \
    $(for map in Modulemaps/*/module.modulemap; do echo "-Xcc -fmodule-map-file=$map"; done)
docc=$(dirname "$(readlink -f "$(command -v swift)")")/docc
# The guides are its articles: links between them become DocC's, those to the rest of the repository their text alone.
catalog=.build/Numeral.docc
rm -rf "$catalog"
cp -R Sources/Numeral/Numeral.docc "$catalog"
cp docs/*.md docs/*.svg docs/*.png "$catalog/"
sed -i -E 's/\[([^]]*)\]\(\.\.\/[^)]*\)/\1/g; s/\]\(([a-z-]+)\.md(#[a-z0-9-]+)?\)/](doc:\1)/g' "$catalog"/*.md
"$docc" convert "$catalog" --additional-symbol-graph-dir "$graphs" --fallback-display-name Numeral \
    --fallback-bundle-identifier numeral --output-path .build/documentation --warnings-as-errors
python3 - "$graphs/Numeral.symbols.json" <<'PYTHON'
import json, sys
symbols = json.load(open(sys.argv[1]))["symbols"]
# What the compiler writes for Codable and RawRepresentable has no place for a comment.
silent = sorted(".".join(s["pathComponents"]) for s in symbols if "docComment" not in s
                and s["pathComponents"][-1] not in ("init(from:)", "init(rawValue:)"))
if silent:
    sys.exit("public symbols without documentation: " + ", ".join(silent))
print(f"{len(symbols)} public symbols in {sum(len(s['pathComponents']) == 1 for s in symbols)} types, all documented")
PYTHON
