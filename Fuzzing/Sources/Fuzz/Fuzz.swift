import Foundation
import Numeral

/// One parser and what must hold for every input: it returns or throws an `InputError` of one line, in time and memory
/// bounded by the input, and what it accepts it gives back.
struct Fuzzer: Sendable {
    let name: String
    /// Valid inputs to begin from.
    let seeds: @Sendable () throws -> [[UInt8]]
    let run: @Sendable ([UInt8]) -> Void

    static let all: [Fuzzer] = [
        .idx, .gzip, .zip, .safetensors, .model, .json, .config, .overrides, .cache, .checkpoint,
        .npz, .weights, .png, .jpeg, .pnm, .service, .form, .labels, .tables, .mat, .hdf5, .shards,
    ]
}

/// The parser that `NUMERAL_FUZZ` names. With `NUMERAL_FUZZ_SEEDS=FOLDER` the seeds are written there first.
private let fuzzer: Fuzzer = {
    let environment = ProcessInfo.processInfo.environment
    guard let fuzzer = Fuzzer.all.first(where: { $0.name == environment["NUMERAL_FUZZ"] }) else {
        let names = Fuzzer.all.map(\.name).joined(separator: ", ")
        preconditionFailure("NUMERAL_FUZZ: expected one of \(names)")
    }
    if let folder = environment["NUMERAL_FUZZ_SEEDS"] {
        do {
            for (index, seed) in try fuzzer.seeds().enumerated() {
                try Data(seed).write(to: URL(filePath: folder).appending(path: "seed-\(index)"))
            }
        } catch {
            preconditionFailure("seeds of \(fuzzer.name): \(error)")
        }
    }
    return fuzzer
}()

/// libFuzzer's entry.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    fuzzer.run(Array(UnsafeBufferPointer(start: bytes, count: count)))
    return 0
}

/// Ends the process, for libFuzzer to report, where a promise is broken.
func require(_ condition: Bool, _ promise: @autoclosure () -> String) {
    if !condition { preconditionFailure("broken: \(promise())") }
}

/// Runs a parser; nil where it throws a proper error.
func parsed<Value>(_ body: () throws -> Value) -> Value? {
    do {
        return try body()
    } catch {
        let line = "\(error)"
        require(error is InputError && !line.contains(where: \.isNewline) && line.utf8.count < 100_000, line)
        return nil
    }
}
