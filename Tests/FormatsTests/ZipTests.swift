import Tensors
import TestSupport
import Testing

@testable import Formats

@Suite struct ZipTests {
    let content = (0..<5_000).map { UInt8(truncatingIfNeeded: $0 / 3) }

    private func archive() throws -> [UInt8] {
        var builder = ZipBuilder()
        try builder.add("gzip/one", content, deflated: true)
        try builder.add("gzip/two", [1, 2, 3], deflated: false)
        return builder.finished(comment: "a comment")
    }

    private func read(_ path: String, _ name: String) throws(InputError) -> [UInt8] {
        let source = try ZipArchive(BinaryFile(path)).open(name)
        var bytes: [UInt8] = []
        while true {
            let chunk = try source.read(upTo: 1_000)
            if chunk.isEmpty { return bytes }
            bytes += chunk
        }
    }

    @Test func members() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(archive(), "a.zip")
        #expect(try read(path, "gzip/one") == content)
        #expect(try read(path, "gzip/two") == [1, 2, 3])
        #expect(inputError { _ = try read(path, "gzip/three") }.contains("received none of that name"))
    }

    @Test func faults() throws {
        let folder = try TemporaryFolder()
        let bytes = try archive()
        func message(_ bytes: [UInt8]) throws -> String {
            let path = try folder.write(bytes, "b.zip")
            return inputError { _ = try read(path, "gzip/one") }
        }
        #expect(try message([]).contains("no end-of-directory record"))
        #expect(try message(bytes.dropLast(1)).contains("no end-of-directory record"))
        #expect(try message(bytes + [0]).contains("no end-of-directory record"))
        #expect(try message([0] + bytes).contains("does not end at its end record"))
        var wrongCRC = bytes
        let entry = try #require(bytes.indices.first { Array(bytes[$0..<($0 + 4)]) == [0x50, 0x4B, 1, 2] })
        wrongCRC[entry + 16] ^= 1
        #expect(try message(wrongCRC).contains("wrong CRC-32"))
        var encrypted = bytes
        encrypted[entry + 8] |= 1
        #expect(try message(encrypted).contains("encrypted"))
        var lying = bytes
        lying[entry + 27] = 0x7F
        #expect(try message(lying).contains("packed into"), "2 GiB claimed for some bytes")
    }

    @Test func everyTruncationIsAnInputError() throws {
        var builder = ZipBuilder()
        try builder.add("m", Array("some content, some content".utf8), deflated: true)
        let bytes = builder.finished()
        let folder = try TemporaryFolder()
        for length in 0..<bytes.count {
            let path = try folder.write(Array(bytes.prefix(length)), "c.zip")
            #expect(inputError { _ = try read(path, "m") }.hasPrefix(path), "\(length) bytes")
        }
    }

    /// Names come from the archive and go to a terminal.
    @Test func namesOfMembersCannotWriteToTheTerminal() throws {
        var builder = ZipBuilder()
        try builder.add("a\u{1B}[2J\nb", [1, 2, 3], deflated: true)
        var bytes = builder.finished()
        bytes[34] = 0xFF
        let folder = try TemporaryFolder()
        let path = try folder.write(bytes, "d.zip")
        let message = inputError { _ = try read(path, "a\u{1B}[2J\nb") }
        #expect(message.contains("disagrees with the directory about a\\u{1b}[2J\\u{a}b"), "\(message)")
    }

    @Test func everyDamagedByteIsAnInputErrorOrTheContent() throws {
        var builder = ZipBuilder()
        try builder.add("m", Array("some content, some content".utf8), deflated: true)
        let bytes = builder.finished()
        let folder = try TemporaryFolder()
        for index in bytes.indices {
            for flip: UInt8 in [1, 16, 255] {
                var damaged = bytes
                damaged[index] ^= flip
                let path = try folder.write(damaged, "c.zip")
                do {
                    #expect(try read(path, "m") == Array("some content, some content".utf8), "byte \(index)")
                } catch {
                    // Typed: an InputError.
                    #expect(error.place.hasPrefix(path))
                }
            }
        }
    }
}
