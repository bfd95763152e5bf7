import Formats
import Tensors

extension ImageSet {
    /// Returns the SHA-256 of the images' extents and bytes.
    package func digest() throws(OperationError) -> String {
        let digest = Digest()
        digest.update(Array("\(count) \(height) \(width) \(channels) ".utf8))
        if case .memory(let bytes) = storage {
            digest.update(bytes)
        } else {
            for index in 0..<count { digest.update(bytes(of: index)) }
        }
        return try digest.hex()
    }

    /// The bytes of all images, `[count, height, width, channels]` in row-major order. Those of a stored set are read
    /// into memory.
    package var images: [UInt8] {
        if case .memory(let bytes) = storage { return bytes }
        var all: [UInt8] = []
        all.reserveCapacity(count * imageSize)
        for index in 0..<count { all += bytes(of: index) }
        return all
    }

    /// The bytes of image `index`, `[height, width, channels]`.
    package func bytes(of index: Int) -> [UInt8] {
        precondition(index >= 0 && index < count, "ImageSet: index \(index) out of 0..<\(count)")
        switch storage {
        case .memory(let bytes): return Array(bytes[(index * imageSize)..<((index + 1) * imageSize)])
        case .stored(let store, let numbers):
            var bytes = [UInt8](repeating: 0, count: imageSize)
            store.read(Int(numbers[index]), into: &bytes)
            return bytes
        }
    }

    /// The bytes of each image, in order.
    package var eachBytes: [ArraySlice<UInt8>] {
        let images = images
        return (0..<count).map { images[($0 * imageSize)..<(($0 + 1) * imageSize)] }
    }

    /// Calls `body` with the bytes of image `index`.
    /// - Parameter scratch: Memory that is kept from call to call, for images in files.
    package func withBytes<Result>(
        of index: Int, _ scratch: inout [UInt8], _ body: (Span<UInt8>) throws -> Result
    ) rethrows -> Result {
        precondition(index >= 0 && index < count, "ImageSet: index \(index) out of 0..<\(count)")
        switch storage {
        case .memory(let bytes):
            return try body(bytes.span.extracting((index * imageSize)..<((index + 1) * imageSize)))
        case .stored(let store, let numbers):
            if scratch.count != imageSize { scratch = [UInt8](repeating: 0, count: imageSize) }
            store.read(Int(numbers[index]), into: &scratch)
            return try body(scratch.span)
        }
    }

    /// Calls `body` with the bytes of each image, in order.
    package func forEachImage(_ body: (_ index: Int, Span<UInt8>) throws -> Void) rethrows {
        var scratch: [UInt8] = []
        for index in 0..<count { try withBytes(of: index, &scratch) { try body(index, $0) } }
    }

    /// The same set with its images in memory.
    var inMemory: ImageSet {
        isStored ? ImageSet(self, images: images, numbers: nil, labels: labels, targets: targets) : self
    }

    /// Asks the system to read image `index` in the meantime, if it is in a file.
    func prefetch(_ index: Int) {
        if case .stored(let store, let numbers) = storage { store.prefetch(Int(numbers[index])) }
    }

    /// Whether the images are in files.
    package var isStored: Bool {
        if case .stored = storage { true } else { false }
    }

    /// Throws if an image that was used could not be read from its file.
    package func checkReading() throws(InputError) {
        if case .stored(let store, _) = storage, let failure = store.failure { throw failure }
    }
}
