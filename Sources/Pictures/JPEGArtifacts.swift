import CTurboJPEG
import Tensors

/// What storing a grey picture as a JPEG leaves of it: blocks and ringing.
package enum JPEGArtifacts {
    /// Returns the grey levels `[height, width]` as they come back from a JPEG of this quality, by libjpeg-turbo.
    ///
    /// - Parameter quality: 1 (the most loss) to 100.
    /// - Throws: an `OperationError` if the library has no memory.
    package static func applied(
        to levels: [UInt8], width: Int, height: Int, quality: Int
    ) throws(OperationError) -> [UInt8] {
        precondition(levels.count == width * height && (1...100).contains(quality), "JPEGArtifacts: not a picture")
        guard let compressor = tjInitCompress() else { throw failure(nil) }
        defer { tjDestroy(compressor) }
        guard let decompressor = tjInitDecompress() else { throw failure(nil) }
        defer { tjDestroy(decompressor) }
        // The library allocates the file's bytes.
        var file: UnsafeMutablePointer<UInt8>?
        var size: UInt = 0
        defer { tjFree(file) }
        let grey = Int32(TJPF_GRAY.rawValue)
        let packed = levels.withUnsafeBufferPointer {
            tjCompress2(
                compressor, $0.baseAddress, Int32(width), Int32(width), Int32(height), grey, &file, &size,
                Int32(TJSAMP_GRAY.rawValue), Int32(quality), TJFLAG_ACCURATEDCT)
        }
        guard packed == 0 else { throw failure(compressor) }
        var result = [UInt8](repeating: 0, count: levels.count)
        let unpacked = result.withUnsafeMutableBufferPointer {
            tjDecompress2(
                decompressor, file, size, $0.baseAddress, Int32(width), Int32(width), Int32(height), grey,
                TJFLAG_ACCURATEDCT)
        }
        guard unpacked == 0 else { throw failure(decompressor) }
        return result
    }

    private static func failure(_ handle: tjhandle?) -> OperationError {
        OperationError(
            "JPEG", problem: handle.flatMap { tjGetErrorStr2($0) }.map { String(cString: $0) } ?? "no memory")
    }
}
