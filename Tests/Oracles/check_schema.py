#!/usr/bin/env python3
"""Checks config/schema.json with an independent validator.

Needs the Python package jsonschema (made with 4.26.0). From the root of the repository:

    python3 Tests/Oracles/check_schema.py [FILE...]
    NUMERAL_WRITE_VERDICTS=verdicts.jsonl swift test --filter SchemaAgreementTests
    python3 Tests/Oracles/check_schema.py --verdicts verdicts.jsonl

- The schema itself is a sound one of draft 2020-12.
- It accepts every configuration of config/, Tests/ExperimentsTests/Fixtures/complete.json, and every FILE (such as
  the config.json of a run folder).
- It refuses every row of Tests/ExperimentsTests/Fixtures/refused.json, which RefusalTests.swift shows the decoder to
  refuse too; except rows marked "schemaAccepts", whose mistake no JSON Schema can express (names that must exist or
  differ, a low end above the high one): those it must accept, so that the mark cannot outlive its reason.
- With --verdicts, it accepts and refuses the same variants of complete.json as the decoder, some 6,000; except, again,
  for mistakes that no JSON Schema can express, told by the decoder's message (INEXPRESSIBLE).
"""

import copy
import json
import pathlib
import re
import sys

import jsonschema

ROOT = pathlib.Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "Tests/ExperimentsTests/Fixtures"


# What the decoder says of mistakes that lie between values, not in one.
INEXPRESSIBLE = [
    r"expected a name of its own",
    r'expected "input" or the name of an earlier layer',
    r"low at most high, .* received \[",
    r"expected at most 1 together with mixup.probability",
    r"expected a divisor of training.epochs",
    r"expected fewer epochs together than training.epochs",
]


def check_verdicts(path, validator, faults):
    """Compares the validator with the decoder, whose message is empty where it accepts; returns how many were tried."""
    count = 0
    for line in path.read_text(encoding="utf-8").split("\n"):
        row = json.loads(line)
        count += 1
        decoder, schema = row["message"] == "", validator.is_valid(row["document"])
        if decoder and not schema:
            error = next(validator.iter_errors(row["document"]))
            faults.append(f"the schema refuses what the decoder accepts: {error.json_path}: {error.message[:200]}")
        if schema and not decoder and not any(re.search(p, row["message"]) for p in INEXPRESSIBLE):
            faults.append(f"the schema accepts what the decoder refuses: {row['message']}")
    return count


def load(path):
    return json.loads(path.read_text(encoding="utf-8"))


def put(document, path, value):
    """`document` with `value` at a path such as model.layers[0].filters; an empty path replaces all of it."""
    if not path:
        return value
    result = copy.deepcopy(document)
    steps = [int(index) if index else key for index, key in re.findall(r"\[(\d+)\]|([^.\[\]]+)", path)]
    target = result
    for step, following in zip(steps, steps[1:]):
        if isinstance(target, dict) and target.get(step) is None:
            target[step] = {}
        target = target[step]
    target[steps[-1]] = value
    return result


def main():
    schema = load(ROOT / "config/schema.json")
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)
    faults = []

    accepted = sorted(path for path in (ROOT / "config").glob("*.json") if path.name != "schema.json")
    accepted.append(FIXTURES / "complete.json")
    arguments = sys.argv[1:]
    verdicts = None
    if "--verdicts" in arguments:
        index = arguments.index("--verdicts")
        verdicts = pathlib.Path(arguments[index + 1])
        del arguments[index : index + 2]
    accepted.extend(pathlib.Path(argument) for argument in arguments)
    for path in accepted:
        for error in validator.iter_errors(load(path)):
            faults.append(f"{path} is refused: {error.json_path}: {error.message}")

    base = load(FIXTURES / "complete.json")
    rows = load(FIXTURES / "refused.json")
    for row in rows:
        document = base
        for path, value in row["changes"]:
            document = put(document, path, value)
        if validator.is_valid(document) != row.get("schemaAccepts", False):
            verdict = "accepted" if validator.is_valid(document) else "refused"
            faults.append(f"{row['kind']} of {row['key']} is {verdict}: {row['changes'][-1]}")

    variants = check_verdicts(verdicts, validator, faults) if verdicts else 0
    for fault in faults:
        print(fault, file=sys.stderr)
    print(f"{len(accepted)} configurations accepted, {len(rows)} mistakes and {variants} variants tried, "
          f"{len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
