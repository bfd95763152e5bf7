import Formats
import Tensors

/// Reads the files of a data set, checks their digests and corrects their quirks.
struct DatasetReader {
    let record: DatasetRecord
    /// Whether files are the user's own, for which no digest is known.
    var acceptsAny = false

    /// A file that has been read.
    struct Reading {
        var array: IDX
        /// The SHA-256 of the decompressed file.
        var sha256: String
        /// Whether the file matches a published digest.
        var isVerified: Bool
        var place: String
        /// How the file was converted to the usual form, if it had another.
        var note: String?
    }

    /// One half of a data set, with the digests of its files and notes on them.
    struct Half {
        var set: ImageSet
        /// The SHA-256 digests of the decompressed files, by file name.
        var digests: [String: String]
        var notes: [String]
    }

    /// Reads the training or the test half of `found`.
    /// - Throws: `InputError` if a file is damaged or differs from its published digest, or the two files do not match.
    func half(of found: FoundDataset, images: DatasetRole, labels: DatasetRole) throws -> Half {
        if let archive = found.archive { try verify(archive: archive) }
        let imageReading = try read(images, of: found)
        let labelReading = try read(labels, of: found)
        let set = try imageSet(imageReading, labelReading)
        var digests: [String: String] = [:]
        var notes: [String] = []
        for (role, reading) in [(images, imageReading), (labels, labelReading)] {
            digests[record.file(role).name] = reading.sha256
            if let note = reading.note { notes.append("\(reading.place): \(note)") }
            if !reading.isVerified {
                notes.append("\(reading.place): no published digest vouches for it; sha256 \(reading.sha256)")
            }
        }
        return Half(set: set, digests: digests, notes: notes)
    }

    /// Checks an archive against its published digest.
    func verify(archive path: String) throws {
        guard let archive = record.archive, let (algorithm, expected) = archive.published else { return }
        let digest = try BinaryFile(path).digests([algorithm])[0]
        guard digest == expected else {
            throw InputError(
                path, expected: "\(algorithm) \(expected), \(record.title) as published", received: digest,
                remedy: "delete it and fetch it again")
        }
    }

    /// Reads the file of `role` and checks it against its digest: that of the decompressed file if known, else that of
    /// the published gzip file; a member of a verified archive needs none.
    func read(_ role: DatasetRole, of found: FoundDataset) throws -> Reading {
        let file = record.file(role)
        let kind: IDX.Kind = role.isImages ? .images : record.hasExtendedLabels ? .extendedLabels : .labels
        guard let location = found.files[role] else {
            throw InputError(found.directory, expected: file.name, received: "nothing there")
        }
        switch location {
        case .member(let archive, let name):
            let member = try ZipArchive(BinaryFile(archive)).open(name)
            let array = try IDX.read(GzipSource(member, limit: IDX.largestFile), kind)
            return Reading(array: array, sha256: try Self.digest(of: array), isVerified: true, place: member.place)
        case .plain(let path) where acceptsAny:
            let own = try role.isImages ? OwnIDX(images: path) : OwnIDX(labels: path)
            return Reading(
                array: own.array, sha256: try Self.digest(of: own.file), isVerified: true, place: path, note: own.note)
        case .plain(let path):
            let array = try IDX.read(path, kind)
            let digest = try Self.digest(of: array)
            let isVerified = try check(digest, of: file, at: path)
            return Reading(array: array, sha256: digest, isVerified: isVerified, place: path)
        }
    }

    /// Returns the SHA-256 of the whole decompressed file that `array` was read from.
    static func digest(of array: IDX) throws(OperationError) -> String {
        let digest = Digest()
        digest.update(array.header)
        digest.update(array.bytes)
        return try digest.hex()
    }

    private func check(_ digest: String, of file: DatasetFile, at path: String) throws -> Bool {
        if digest == file.sha256 { return true }
        let owner = DatasetCatalog.owner(ofSHA256: digest)
        let received = owner.map { "\(digest), which is \($0.title)" } ?? digest
        let remedy = "delete it and fetch it again, or name other files by path in data.files"
        if file.sha256 != nil || owner != nil {
            throw InputError(
                path, expected: "unpacked sha256 \(file.sha256 ?? "of \(record.title)"), as published",
                received: received, remedy: remedy)
        }
        guard let (algorithm, expected) = file.published else { return false }
        let source = try BinaryFile(path)
        guard Gzip.isGzip(try source.read(exactly: 2)) else { return false }
        let packed = try source.digests([algorithm])[0]
        guard packed == expected else {
            throw InputError(
                path, expected: "\(algorithm) \(expected), \(record.title) as published", received: packed,
                remedy: remedy)
        }
        return true
    }

    /// Combines images and labels into one set, with transposition undone and labels counted from 0.
    private func imageSet(_ images: Reading, _ labels: Reading) throws(InputError) -> ImageSet {
        let extents = images.array.extents
        guard extents[0] == labels.array.extents[0] else {
            throw InputError(
                labels.place, expected: "\(extents[0]) labels, as \(images.place) has images",
                received: "\(labels.array.extents[0])")
        }
        let (height, width) = record.isTransposed ? (extents[2], extents[1]) : (extents[1], extents[2])
        let channels = extents.count > 3 ? extents[3] : 1
        let pixels =
            record.isTransposed
            ? Self.transposed(images.array.bytes, rows: extents[1], columns: extents[2], channels: channels)
            : images.array.bytes
        return try ImageSet(
            images: pixels, labels: classes(labels), height: height, width: width, channels: channels,
            classCount: record.classCount, classNames: record.classNames, place: images.place,
            labelsPlace: labels.place)
    }

    /// Returns the classes, counted from 0, after checking each.
    private func classes(_ labels: Reading) throws(InputError) -> [UInt8] {
        let array = labels.array
        var classes = [UInt8](repeating: 0, count: array.extents[0])
        let range = record.firstLabel..<(record.firstLabel + record.classCount)
        for index in classes.indices {
            let label = array.type == .int32 ? array.int32(index * array.extents[1]) : Int(array.bytes[index])
            guard range.contains(label) else {
                throw InputError(
                    labels.place, expected: "labels in \(range.lowerBound)...\(range.upperBound - 1)",
                    received: "\(label) at index \(index)")
            }
            classes[index] = UInt8(label - range.lowerBound)
        }
        return classes
    }

    /// Returns images with rows and columns swapped: `out[c][r] = in[r][c]`.
    static func transposed(_ images: [UInt8], rows: Int, columns: Int, channels: Int = 1) -> [UInt8] {
        var output = [UInt8](repeating: 0, count: images.count)
        for start in stride(from: 0, to: images.count, by: rows * columns * channels) {
            for row in 0..<rows {
                for column in 0..<columns {
                    for channel in 0..<channels {
                        output[start + (column * rows + row) * channels + channel] =
                            images[start + (row * columns + column) * channels + channel]
                    }
                }
            }
        }
        return output
    }
}

extension DatasetFile {
    /// The digest of the file as published: SHA-256 if known, else MD5.
    var published: (algorithm: Digest.Algorithm, digest: String)? {
        if let publishedSHA256 { return (.sha256, publishedSHA256) }
        return publishedMD5.map { (.md5, $0) }
    }
}
