#!/usr/bin/env bash
# Runs the operator test vectors of ONNX through this project's operations: fetches the package into a virtual
# environment of its own (.build/onnx) and prints what passed, was refused and failed. Exit code 1 where one fails, 3
# where the package cannot be fetched.
#
#     Tests/Conformance/run.sh [--verbose]
set -euo pipefail
cd "$(dirname "$0")/../.."

version=1.22.0
environment=.build/onnx
if ! "$environment/bin/python" -c "import onnx, sys; sys.exit(onnx.__version__ != '$version')" 2>/dev/null; then
    if ! { python3 -m venv "$environment" && "$environment/bin/pip" install --quiet "onnx==$version"; }; then
        echo "conformance: onnx $version could not be fetched (are python3-venv and a network there?)" >&2
        exit 3
    fi
fi
data=$("$environment/bin/python" -c "import onnx, pathlib; print(pathlib.Path(onnx.__file__).parent / 'backend/test/data')")
swift build --quiet --product conformance
"$(swift build --show-bin-path)/conformance" "$data" "$@"
