import Foundation
import Tensors
import Testing

/// A folder that is removed with its owner.
package final class TemporaryFolder {
    package let path: String

    package init() throws {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("numeral-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Writes `bytes` to `name`, making folders on the way, and returns the path.
    @discardableResult
    package func write(_ bytes: [UInt8], _ name: String) throws -> String {
        let file = URL(fileURLWithPath: path + "/" + name)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: file)
        return file.path
    }

    package func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path + "/" + name) }
}

/// Random bytes at an address of their own.
package func randomBytes(_ count: Int, _ number: UInt32) -> [UInt8] {
    var stream = RandomStream(RandomAddress(seed: 1, purpose: .test, major: number))
    return (0..<count).map { _ in UInt8(truncatingIfNeeded: stream.nextWord()) }
}

/// The message of the `InputError` that `body` throws; a test failure where it throws none.
package func inputError(_ body: () throws -> Void) -> String {
    do {
        try body()
        Issue.record("no error was thrown")
        return ""
    } catch let error as InputError {
        return error.description
    } catch {
        Issue.record("not an InputError: \(error)")
        return ""
    }
}
