import Foundation
import Tensors

// Runs ONNX's own test vectors through this project's operations and prints what came of it:
//
//     conformance FOLDER [--verbose]
//
// FOLDER is `onnx/backend/test/data` of the Python package `onnx`. Exit code 1 where a test fails or an operator of this
// project has none that passes.

/// What came of one collection of tests.
struct Report {
    struct Row {
        var passed = 0
        var refused: [String: [String]] = [:]
        var failed: [String] = []
    }

    /// By operator, or by the operators of a test that has several.
    var rows: [String: Row] = [:]
    var strangers: [String: Int] = [:]

    mutating func add(_ test: Case, _ outcome: Outcome) {
        let operators = Set(test.graph.node.map(\.opType))
        guard !operators.isEmpty, operators.isSubset(of: Interpreter.operators) else {
            for name in operators.subtracting(Interpreter.operators) { strangers[name, default: 0] += 1 }
            return
        }
        let name = operators.sorted().joined(separator: "+")
        switch outcome {
        case .passed: rows[name, default: Row()].passed += 1
        case .refused(let reason): rows[name, default: Row()].refused[reason, default: []].append(test.name)
        case .failed(let problem): rows[name, default: Row()].failed.append("\(test.name): \(problem)")
        }
    }

    func print(collection: String, tests: Int, verbose: Bool) {
        func line(_ cells: [String]) {
            let padded = zip(cells, [28, 8, 9, 8]).map { text, width in
                text.count >= width ? text : String(repeating: " ", count: width - text.count) + text
            }
            Swift.print(cells[0].padding(toLength: 28, withPad: " ", startingAt: 0) + padded.dropFirst().joined())
        }
        Swift.print("\n\(collection): \(tests) tests")
        line(["operator", "passed", "refused", "failed"])
        var sums = [0, 0, 0]
        for (name, row) in rows.sorted(by: { $0.key < $1.key }) {
            let refused = row.refused.values.reduce(0) { $0 + $1.count }
            line([name, "\(row.passed)", "\(refused)", "\(row.failed.count)"])
            sums = [sums[0] + row.passed, sums[1] + refused, sums[2] + row.failed.count]
        }
        line(["together"] + sums.map(String.init))
        let others = tests - sums.reduce(0, +)
        Swift.print("\(others) tests of \(strangers.count) operators that are no operation of this project")
        for (name, row) in rows.sorted(by: { $0.key < $1.key }) {
            for (reason, names) in row.refused.sorted(by: { $0.key < $1.key }) {
                Swift.print("  \(name) refused \(names.count)×: \(reason)")
                if verbose { Swift.print("    \(names.sorted().joined(separator: " "))") }
            }
            for problem in row.failed { Swift.print("  \(name) FAILED: \(problem)") }
        }
    }
}

/// Runs one collection; says whether all is well.
func run(_ collection: String, in folder: URL, required: Set<String>, verbose: Bool) throws -> Bool {
    let folder = folder.appendingPathComponent(collection)
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    var report = Report()
    var tests = 0
    for name in names {
        let path = folder.appendingPathComponent(name)
        guard FileManager.default.fileExists(atPath: path.appendingPathComponent("model.onnx").path) else { continue }
        tests += 1
        let test = try Case(path)
        // Others are only counted.
        let known = test.graph.node.allSatisfy { Interpreter.operators.contains($0.opType) }
        report.add(test, known ? Interpreter.run(test) : .refused(""))
    }
    report.print(collection: collection, tests: tests, verbose: verbose)
    let silent = required.filter { (report.rows[$0]?.passed ?? 0) == 0 }.sorted()
    if !silent.isEmpty { print("NOTHING PASSED of \(silent.joined(separator: ", "))") }
    return silent.isEmpty && report.rows.values.allSatisfy(\.failed.isEmpty)
}

let arguments = CommandLine.arguments.dropFirst().filter { $0 != "--verbose" }
guard let folder = arguments.first, arguments.count == 1 else {
    print("usage: conformance FOLDER [--verbose]    FOLDER: onnx/backend/test/data of the Python package onnx")
    exit(2)
}
do {
    let url = URL(fileURLWithPath: folder), verbose = CommandLine.arguments.contains("--verbose")
    let node = try run("node", in: url, required: Interpreter.operators, verbose: verbose)
    let converted = try run("pytorch-converted", in: url, required: [], verbose: verbose)
    let operators = try run("pytorch-operator", in: url, required: [], verbose: verbose)
    exit(node && converted && operators ? 0 : 1)
} catch {
    print("conformance: \(error)")
    exit(2)
}
