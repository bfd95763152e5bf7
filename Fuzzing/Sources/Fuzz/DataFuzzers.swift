@testable import Formats
import Foundation

@testable import Datasets
@testable import Tensors

extension Fuzzer {
    /// The first byte chooses what the file should be.
    static let idx = Fuzzer(
        name: "idx",
        seeds: {
            let images = IDX(extents: [2, 3, 4], bytes: (0..<24).map { UInt8($0) }).fileBytes
            let extended = IDX(type: .int32, extents: [1, 8], bytes: [UInt8](repeating: 1, count: 32)).fileBytes
            return [
                [0] + images, [1] + IDX(extents: [3], bytes: [1, 2, 3]).fileBytes, [2] + extended,
                [0] + (try Gzip.compress(images)),
            ]
        },
        run: { bytes in
            let kinds: [IDX.Kind] = [.images, .labels, .extendedLabels]
            let kind = kinds[Int(bytes.first ?? 0) % 3], file = Array(bytes.dropFirst())
            guard let array = parsed({ try IDX.parse(file, kind, place: "fuzz") }) else { return }
            require(array.bytes.count <= Gzip.largestRatio * file.count, "memory out of nothing")
            if !Gzip.isGzip(file) { require(array.fileBytes == file, "an IDX file read otherwise than written") }
        })

    static let gzip = Fuzzer(
        name: "gzip",
        seeds: {
            let text = Array("a text of a few words, a text of a few more words".utf8)
            let packed = try Gzip.compress(text)
            // Members with a name, a comment and an extra field, and stored blocks.
            let flags: [UInt8] = [0x1f, 0x8b, 8, 0x1c, 0, 0, 0, 0, 0, 3, 2, 0, 9, 9] + Array("n\0c\0".utf8)
            return [
                packed, packed + packed, try Gzip.compress(text, level: 0), flags + packed.dropFirst(10),
                try Gzip.compress([UInt8](repeating: 7, count: 5_000)),
            ]
        },
        run: { bytes in
            let limit = 1 << 16
            guard let plain = parsed({ try Gzip.decompress(bytes, limit: limit, place: "fuzz") }) else { return }
            require(plain.count <= limit, "over the limit")
            // By another way of cutting it into reads: the same.
            let source = GzipSource(MemorySource(bytes, place: "fuzz"), limit: limit)
            var again: [UInt8] = []
            while let chunk = parsed({ try source.read(upTo: 1 + again.count % 97) }), !chunk.isEmpty { again += chunk }
            require(again == plain, "gzip that depends on how it is read")
        })

    static let zip = Fuzzer(
        name: "zip",
        seeds: {
            // Made by Python's zipfile: one stored and one deflated member, and an empty archive.
            let archive = """
                UEsDBBQAAAAAAAAAIQCGphA2BQAAAAUAAAABAAAAYWhlbGxvUEsDBBQAAAAIAAAAIQBRoezAEAAAAB8AAAADAAAAZC9iK87PTVUo\
                Sa0o0VEoxsIEAFBLAQIUAxQAAAAAAAAAIQCGphA2BQAAAAUAAAABAAAAAAAAAAAAAACAAQAAAABhUEsBAhQDFAAAAAgAAAAhAFGh\
                7MAQAAAAHwAAAAMAAAAAAAAAAAAAAIABJAAAAGQvYlBLBQYAAAAAAgACAGAAAABVAAAAAAA=
                """
            guard let bytes = Data(base64Encoded: archive) else { preconditionFailure("the seed is no base64") }
            return [Array(bytes), [0x50, 0x4B, 5, 6] + [UInt8](repeating: 0, count: 18)]
        },
        run: { bytes in
            scratch.withLock { $0.write(bytes) }
            guard let archive = parsed({ try ZipArchive(BinaryFile(ScratchFile.path)) }) else { return }
            for member in archive.members.prefix(8) {
                guard let source = parsed({ try archive.open(member.name) }) else { continue }
                var count = 0
                while let chunk = parsed({ try source.read(upTo: 4_096) }), !chunk.isEmpty { count += chunk.count }
                require(count <= Gzip.largestRatio * bytes.count, "memory out of nothing")
            }
        })
}
