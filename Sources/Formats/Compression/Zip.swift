import Tensors

/// A zip archive read in place: only its directory and the requested members. Strict: one disk, no zip64, no
/// encryption. Source: PKWARE, APPNOTE.TXT, sections 4.3.7, 4.3.12 and 4.3.16.
package final class ZipArchive {
    package struct Member {
        var name: String
        var method: Int
        var crc: UInt32
        var compressedSize: Int
        var size: Int
        var headerOffset: Int
    }

    let file: BinaryFile
    /// The members, in directory order.
    package private(set) var members: [Member] = []
    private var directoryOffset = 0

    /// - Throws: `InputError` if `file` is not a valid archive.
    package init(_ file: BinaryFile) throws(InputError) {
        self.file = file
        let tailSize = min(file.size, 22 + 65_535)
        try file.seek(to: file.size - tailSize)
        let tail = try file.read(exactly: tailSize)
        guard tail.count == tailSize, let end = Self.endRecord(tail) else {
            throw damaged("no end-of-directory record: truncated, or no zip")
        }
        let record = Array(tail[end...])
        let count = Self.number(record, 10, 2)
        let size = Self.number(record, 12, 4)
        directoryOffset = Self.number(record, 16, 4)
        guard Self.number(record, 4, 2) == 0, Self.number(record, 6, 2) == 0, Self.number(record, 8, 2) == count,
            count != 0xFFFF, size != 0xFFFF_FFFF, directoryOffset != 0xFFFF_FFFF
        else { throw damaged("an archive of several disks, or zip64") }
        guard directoryOffset + size == file.size - tailSize + end else {
            throw damaged("a directory that does not end at its end record")
        }
        try file.seek(to: directoryOffset)
        let directory = try file.read(exactly: size)
        guard directory.count == size else { throw damaged("a truncated directory") }
        try readDirectory(directory, count: count)
    }

    /// Opens member `name`, which is decompressed as it is read; its CRC-32 and size are checked at its end.
    package func open(_ name: String) throws(InputError) -> any ByteSource {
        guard let member = members.first(where: { $0.name == name }) else {
            throw InputError(file.place, expected: "a zip archive with \(name)", received: "none of that name")
        }
        try file.seek(to: member.headerOffset)
        let header = try file.read(exactly: 30)
        guard header.count == 30, Self.number(header, 0, 4) == 0x0403_4B50 else {
            throw damaged("no local header for \(name)")
        }
        let nameLength = Self.number(header, 26, 2)
        let start = member.headerOffset + 30 + nameLength + Self.number(header, 28, 2)
        guard try file.read(exactly: nameLength) == Array(name.utf8), Self.number(header, 8, 2) == member.method else {
            throw damaged("a local header that disagrees with the directory about \(name)")
        }
        guard start + member.compressedSize <= directoryOffset else {
            throw damaged("\(name) reaching into the directory")
        }
        return try ZipMemberSource(BinaryFile(file.place), member, start: start)
    }

    /// Returns the offset of the end record in the file's `tail`: the last signature whose comment ends with the file.
    private static func endRecord(_ tail: [UInt8]) -> Int? {
        guard tail.count >= 22 else { return nil }
        return stride(from: tail.count - 22, through: 0, by: -1).first {
            number(tail, $0, 4) == 0x0605_4B50 && $0 + 22 + number(tail, $0 + 20, 2) == tail.count
        }
    }

    private func readDirectory(_ directory: [UInt8], count: Int) throws(InputError) {
        var position = 0
        for _ in 0..<count {
            guard position + 46 <= directory.count, Self.number(directory, position, 4) == 0x0201_4B50 else {
                throw damaged("a damaged directory entry")
            }
            let entry = Array(directory[position..<(position + 46)])
            let nameLength = Self.number(entry, 28, 2)
            let next = position + 46 + nameLength + Self.number(entry, 30, 2) + Self.number(entry, 32, 2)
            guard next <= directory.count else { throw damaged("a truncated directory entry") }
            let name = String(decoding: directory[(position + 46)..<(position + 46 + nameLength)], as: UTF8.self)
            let member = Member(
                name: name, method: Self.number(entry, 10, 2), crc: UInt32(Self.number(entry, 16, 4)),
                compressedSize: Self.number(entry, 20, 4), size: Self.number(entry, 24, 4),
                headerOffset: Self.number(entry, 42, 4))
            guard Self.number(entry, 8, 2) & 1 == 0 else { throw damaged("\(name) encrypted") }
            guard member.method == 0 || member.method == 8 else {
                throw damaged("\(name) packed by method \(member.method)")
            }
            guard member.compressedSize != 0xFFFF_FFFF, member.size != 0xFFFF_FFFF,
                member.headerOffset + 30 + nameLength + member.compressedSize <= directoryOffset
            else { throw damaged("\(name) outside the archive") }
            let bound = member.compressedSize * (member.method == 8 ? Gzip.largestRatio : 1)
            guard member.size <= bound, member.method == 8 || member.size == bound else {
                throw damaged("\(name) of \(member.size) bytes packed into \(member.compressedSize)")
            }
            members.append(member)
            position = next
        }
        guard position == directory.count else { throw damaged("trailing bytes in its directory") }
    }

    private func damaged(_ what: String) -> InputError {
        InputError(
            file.place, expected: "a sound zip archive (one disk, no zip64, stored or deflated)", received: what,
            remedy: "delete it and fetch it again")
    }

    /// Returns the little-endian number of `size` bytes at `offset`.
    private static func number(_ bytes: [UInt8], _ offset: Int, _ size: Int) -> Int {
        Int(LittleEndian.word(bytes, at: offset, size: size))
    }
}

/// A member of a zip archive, stored or deflated.
final class ZipMemberSource: ByteSource {
    let place: String
    private let file: BinaryFile
    private let member: ZipArchive.Member
    private let stream: InflateStream?
    private var remainingInput: Int
    private var input: [UInt8] = []
    private var position = 0
    private var produced = 0
    private var crc: UInt32 = 0
    private var ended = false

    package init(_ file: BinaryFile, _ member: ZipArchive.Member, start: Int) throws(InputError) {
        place = "\(file.place)(\(member.name))"
        self.file = file
        self.member = member
        stream = member.method == 8 ? InflateStream(.raw) : nil
        remainingInput = member.compressedSize
        try file.seek(to: start)
    }

    var upperBound: Int { member.size - produced }

    func read(upTo count: Int) throws(InputError) -> [UInt8] {
        guard !ended, count > 0 else { return [] }
        let output = if let stream { try unpack(stream, count) } else { try stored(count) }
        produced += output.count
        guard produced <= member.size else { throw damaged("more than \(member.size) bytes") }
        crc = InflateStream.crc32(crc, output, count: output.count)
        if ended {
            guard produced == member.size else { throw damaged("\(produced) bytes instead of \(member.size)") }
            guard crc == member.crc else { throw damaged("a wrong CRC-32") }
        }
        return output
    }

    private func stored(_ count: Int) throws(InputError) -> [UInt8] {
        let bytes = try file.read(exactly: min(count, remainingInput, 1 << 20))
        remainingInput -= bytes.count
        if bytes.isEmpty { ended = true }
        return bytes
    }

    private func unpack(_ stream: InflateStream, _ count: Int) throws(InputError) -> [UInt8] {
        var output = [UInt8](repeating: 0, count: min(count, 1 << 20))
        while true {
            if position == input.count {
                input = try file.read(exactly: min(remainingInput, 1 << 16))
                remainingInput -= input.count
                position = 0
            }
            let exhausted = input.isEmpty
            let step = stream.inflate(input, from: position, into: &output)
            position += step.consumed
            switch step.outcome {
            case .damaged(let message): throw damaged("damaged data (\(message))")
            case .more where step.produced == 0:
                if exhausted { throw damaged("truncated data") }
                continue
            case .more: break
            case .end:
                ended = true
                guard remainingInput == 0, position == input.count else { throw damaged("trailing bytes") }
            }
            output.removeLast(output.count - step.produced)
            return output
        }
    }

    private func damaged(_ what: String) -> InputError {
        InputError(
            place, expected: "a sound member of the zip archive", received: what,
            remedy: "delete it and fetch it again")
    }
}
