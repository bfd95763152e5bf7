import Foundation
import Tensors

/// Gathers what is appended to a file that others follow and hands it on in pieces: at the latest a second later, with
/// the next call, and on ``flush()``.
package final class RecordBuffer {
    private let write: (Data) throws(OperationError) -> Void
    private var pending = Data()
    private var lastWrite = Date()

    /// - Parameter write: appends to the file; called with whole records only.
    package init(write: @escaping (Data) throws(OperationError) -> Void) { self.write = write }

    /// Adds `data` to the end.
    /// - Throws: what `write` throws; the pending data is lost then.
    package func append(_ data: some Sequence<UInt8>) throws(OperationError) {
        pending.append(contentsOf: data)
        if pending.count >= 1 << 16 || Date().timeIntervalSince(lastWrite) > 1 { try flush() }
    }

    /// Hands everything on.
    package func flush() throws(OperationError) {
        guard !pending.isEmpty else { return }
        let data = pending
        pending = Data()
        lastWrite = Date()
        try write(data)
    }
}
