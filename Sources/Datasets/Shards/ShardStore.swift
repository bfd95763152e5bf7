import Formats
import Synchronization
import Tensors

/// The images of one part of a sharded data set, read from its files when they are needed.
///
/// Only the labels are in memory. Any number of threads may read at once.
package final class ShardStore: Sendable {
    /// The number of bytes of one image.
    let imageSize: Int
    /// The number of images.
    let count: Int
    private let files: [PositionedFile]
    /// The number of the first image of each file, and the number of images at the end.
    private let starts: [Int]
    /// The bytes before the first image of each file.
    private let headerSize: Int
    private let firstFailure = Mutex<InputError?>(nil)

    init(files: [PositionedFile], counts: [Int], imageSize: Int, headerSize: Int) {
        self.files = files
        self.imageSize = imageSize
        self.headerSize = headerSize
        starts = counts.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1) }
        count = starts[starts.count - 1]
    }

    /// Why an image could not be read, if there was any such. Images that cannot be read become black, so that the
    /// threads that make batches need not stop; whoever uses the batches asks for this.
    var failure: InputError? { firstFailure.withLock { $0 } }

    /// Fills `bytes`, of ``imageSize``, with image `index`.
    func read(_ index: Int, into bytes: inout [UInt8]) {
        let (file, offset) = place(of: index)
        do throws(InputError) {
            try file.read(into: &bytes, at: offset)
        } catch {
            for i in bytes.indices { bytes[i] = 0 }
            firstFailure.withLock { if $0 == nil { $0 = error } }
        }
    }

    /// Asks the system to read image `index` in the meantime.
    func prefetch(_ index: Int) {
        let (file, offset) = place(of: index)
        file.prefetch(imageSize, at: offset)
    }

    private func place(of index: Int) -> (PositionedFile, offset: Int) {
        precondition(index >= 0 && index < count, "ShardStore: index \(index) out of 0..<\(count)")
        // The last file that starts at or before the image.
        var low = 0, high = files.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if starts[middle] <= index { low = middle } else { high = middle }
        }
        return (files[low], headerSize + (index - starts[low]) * imageSize)
    }
}

/// The bytes of the images of a set: in memory, or in files.
enum ImageStorage: Sendable {
    case memory([UInt8])
    /// The images of a store with these numbers, in this order.
    case stored(ShardStore, [Int32])
}
