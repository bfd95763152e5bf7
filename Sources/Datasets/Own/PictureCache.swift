import Formats
import Foundation
import Tensors

/// A cache of the images made from a folder of pictures, so that the next training starts at once.
///
/// The key is a digest of how they are made and of every file's path, size and modification time; each cached file is
/// checked against its digest when it is read. If anything is amiss, the pictures are read again. If the cache cannot
/// be written, nothing is kept.
struct PictureCache {
    /// The version of the conversion, to be changed when the same pictures become other images.
    private static let version = 3

    let folder: String
    let layout: FolderLayout
    let fitting: ImageFolder.Fitting
    let isColour: Bool

    private struct Record: Codable {
        var notes: [String]
        /// The SHA-256 digests by file.
        var digests: [String: String]
    }

    /// Returns the cached data, or else those that `make` creates, with the notes made at that time.
    func read(
        make: ((String) -> Void) throws -> ConvertedData
    ) throws -> (ConvertedData, notes: [String]) {
        let place = try joined(folder, key())
        if let kept = try? kept(in: place) { return kept }
        var notes: [String] = []
        let data = try make { notes.append($0) }
        try? keep(data, notes, in: place)
        return (data, notes)
    }

    private func key() throws -> String {
        let digest = Digest()
        digest.update(Array("\(Self.version) \(fitting)\(isColour ? " in colour" : "")\n".utf8))
        for name in layout.classes { digest.update(Array("\(name)\n".utf8)) }
        for (split, _, lists) in layout.files {
            for (label, files) in lists.enumerated() {
                for file in files {
                    let attributes = try? FileManager.default.attributesOfItem(atPath: file)
                    let time = (attributes?[.modificationDate] as? Date)?.timeIntervalSince1970 ?? 0
                    let size = (attributes?[.size] as? Int) ?? -1
                    digest.update(Array("\(split) \(label) \(file) \(size) \(time)\n".utf8))
                }
            }
        }
        return try digest.hex()
    }

    private func kept(in place: String) throws -> (ConvertedData, notes: [String])? {
        let file = try BinaryFile(joined(place, "record.json"))
        let record = try JSONDecoder().decode(Record.self, from: Data(file.read(exactly: file.size)))
        for (name, expected) in record.digests {
            guard try BinaryFile(joined(place, name)).digests([.sha256]) == [expected] else { return nil }
        }
        return try ConversionFiles.readIDX(place, transposed: false).map { ($0, record.notes) }
    }

    private func keep(_ data: ConvertedData, _ notes: [String], in place: String) throws {
        // Written under another name until it is complete.
        let draft = place + ".\(ProcessInfo.processInfo.processIdentifier)"
        defer { try? FileManager.default.removeItem(atPath: draft) }
        try? FileManager.default.removeItem(atPath: place)
        _ = try ConversionFiles.writeIDX(data, to: draft, gzip: false)
        var record = Record(notes: notes, digests: [:])
        for name in DatasetFileNames.entries(of: draft) {
            record.digests[name] = try BinaryFile(joined(draft, name)).digests([.sha256])[0]
        }
        try AtomicFile.write(
            JSONEncoder().encode(record), to: URL(fileURLWithPath: joined(draft, "record.json")))
        try FileManager.default.moveItem(atPath: draft, toPath: place)
    }
}
