import Tensors
import TestSupport
import Testing

@testable import Formats

@Suite struct GzipTests {
    let plain = (0..<2_000).map { UInt8(truncatingIfNeeded: $0 * $0 / 7) }

    @Test func roundTripAndMembers() throws {
        let packed = try Gzip.compress(plain)
        #expect(Array(packed[4..<8]) == [0, 0, 0, 0], "no time")
        #expect(try Gzip.decompress(packed, limit: plain.count, place: "p") == plain)
        let more = try Gzip.compress(Array("more".utf8))
        let three = try Gzip.decompress(packed + more + packed, limit: 10_000, place: "p")
        #expect(three == plain + Array("more".utf8) + plain)
        let large = randomBytes(300_000, 5)
        #expect(try Gzip.decompress(Gzip.compress(large), limit: 300_000, place: "p") == large)
        #expect(try Gzip.decompress(Gzip.compress([]), limit: 0, place: "p") == [])
    }

    @Test func eachFaultHasItsOwnMessage() throws {
        let packed = try Gzip.compress(plain)
        func message(_ bytes: [UInt8], limit: Int = 10_000) -> String {
            inputError { _ = try Gzip.decompress(bytes, limit: limit, place: "file.gz") }
        }
        #expect(message(packed, limit: 1_999).contains("of at most 1999 bytes unpacked · received more"))
        #expect(message(packed + [0]).contains("trailing bytes"))
        #expect(message(packed + Array("junk".utf8)).contains("trailing bytes"))
        #expect(message(packed + packed.prefix(12)).contains("truncated"))
        var wrongCRC = packed
        wrongCRC[packed.count - 6] ^= 1
        #expect(message(wrongCRC).contains("wrong CRC-32"))
        var wrongLength = packed
        wrongLength[packed.count - 2] ^= 1
        #expect(message(wrongLength).contains("another length"))
        #expect(message(Array("no gzip at all".utf8)).contains("damaged data"))
        #expect(message(packed.dropLast(3)).hasPrefix("file.gz: "))
    }

    @Test func everyTruncationIsNoticed() throws {
        let packed = try Gzip.compress(plain)
        for length in 0..<packed.count {
            let message = inputError { _ = try Gzip.decompress(Array(packed.prefix(length)), limit: 9_999, place: "p") }
            #expect(message.contains("truncated"), "\(length) bytes")
        }
    }

    @Test func everyDamagedByteIsNoticedOrHarmless() throws {
        let packed = try Gzip.compress(Array("a text of some words, a text of some more words".utf8))
        let sound = try Gzip.decompress(packed, limit: 100, place: "p")
        var harmless: Set<Int> = []
        for index in packed.indices {
            for flip: UInt8 in [1, 2, 4, 8, 16, 32, 64, 128, 255] {
                var damaged = packed
                damaged[index] ^= flip
                do {
                    #expect(try Gzip.decompress(damaged, limit: 100, place: "p") == sound, "byte \(index)")
                    harmless.insert(index)
                } catch {
                    // Typed: an InputError.
                    #expect(error.place == "p")
                }
            }
        }
        // The time, the level and the system that packed it; of the flags, that it is text; unused bits after the data.
        #expect(harmless.isSubset(of: Set(3...9).union([packed.count - 9])))
    }

    /// However little each member gives, a read is filled: a file of many tiny members costs no array for each.
    @Test func tinyMembersAreJoined() throws {
        let member = try Gzip.compress([7])
        let source = GzipSource(MemorySource((0..<500).flatMap { _ in member }, place: "p"), limit: 1_000)
        #expect(try source.read(upTo: 400).count == 400)
        #expect(try source.read(upTo: 400).count == 100)
        #expect(try source.read(upTo: 400).isEmpty)
    }

    @Test func aBombIsNotUnpacked() throws {
        let bomb = try Gzip.compress([UInt8](repeating: 0, count: 50_000_000))
        let source = GzipSource(MemorySource(bomb, place: "bomb"), limit: 1_000)
        #expect(source.upperBound == 1_000)
        let message = inputError { _ = try Gzip.decompress(bomb, limit: 1_000, place: "bomb") }
        #expect(message.contains("decompression bomb"))
    }

    @Test func digests() throws {
        // FIPS 180-4's and RFC 1321's own examples.
        let abc = Array("abc".utf8)
        #expect(try Digest.hex(abc) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(try Digest.hex(abc, .md5) == "900150983cd24fb0d6963f7d28e17f72")
        let digest = Digest()
        digest.update([0x61])
        digest.update([])
        digest.update([0x62, 0x63])
        #expect(try digest.hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(throws: OperationError.self) { try digest.hex() }
    }
}
