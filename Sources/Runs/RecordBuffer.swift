import Foundation
import Tensors

/// Buffers what is appended to a file that others follow and writes it in batches: when 64 KiB are pending, with the
/// first append more than a second after the last write, and on ``flush()``.
package final class RecordBuffer {
    private let write: (Data) throws(OperationError) -> Void
    private var pending = Data()
    private var lastWrite = Date()

    /// - Parameter write: appends to the file; called with whole records only.
    package init(write: @escaping (Data) throws(OperationError) -> Void) { self.write = write }

    /// Adds `data` to the end.
    /// - Throws: any error that `write` throws; the pending data is lost in that case.
    package func append(_ data: some Sequence<UInt8>) throws(OperationError) {
        pending.append(contentsOf: data)
        if pending.count >= 1 << 16 || Date().timeIntervalSince(lastWrite) > 1 { try flush() }
    }

    /// Writes all pending data.
    package func flush() throws(OperationError) {
        guard !pending.isEmpty else { return }
        let data = pending
        pending = Data()
        lastWrite = Date()
        try write(data)
    }
}
