import Formats
import Foundation
import Tensors

/// The files that a conversion writes: into a folder of its own, overwriting nothing.
package enum ConversionFiles {
    static func make(_ folder: String) throws(OperationError) {
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw OperationError("creating \(folder)", problem: error.localizedDescription)
        }
    }

    /// Creates `folder`, which must be empty or not exist yet.
    static func makeEmpty(_ folder: String) throws {
        if let names = try? FileManager.default.contentsOfDirectory(atPath: folder), !names.isEmpty {
            throw InputError(
                folder, expected: "a folder that is empty or not there yet", received: "one with \(names.count) files",
                remedy: "name another, or remove it")
        }
        try make(folder)
    }

    /// Writes a file without syncing, since there may be 70,000 of them.
    static func write(_ data: Data, to path: String) throws(OperationError) {
        do {
            try data.write(to: URL(fileURLWithPath: path))
        } catch {
            throw OperationError("writing \(path)", problem: error.localizedDescription)
        }
    }

    enum Content: String { case images, labels }

    /// The file of class names beside IDX files, one name per line.
    static let classList = "classes.txt"

    /// Returns a file name like MNIST's.
    static func idxName(_ part: FolderLayout.Split, _ content: Content, imageRank: Int = 3) -> String {
        let name = [.train: "train", .val: "validation", .test: "t10k"][part] ?? ""
        return "\(name)-\(content.rawValue)-idx\(content == .images ? imageRank : 1)-ubyte"
    }

    /// Returns the file in `folder`, plain or gzip-compressed.
    static func idxPath(_ part: FolderLayout.Split, _ content: Content, in folder: String) -> String? {
        [3, 4].lazy.compactMap { DatasetFileNames.find(idxName(part, content, imageRank: $0), in: folder) }.first
    }

    /// Whether `folder` has IDX files named like MNIST's.
    package static func isIDX(_ folder: String) -> Bool { idxPath(.train, .images, in: folder) != nil }

    /// Writes `data` as IDX files named like MNIST's, and `classes.txt` with one class name per line.
    /// - Returns: The configuration section `data` that trains on them.
    package static func writeIDX(_ data: ConvertedData, to folder: String, gzip: Bool) throws -> String {
        try makeEmpty(folder)
        var paths: [String: String] = [:]
        for (half, set) in data.parts {
            guard let part = FolderLayout.Split(rawValue: half) else { continue }
            let key = part == .val ? "validation" : half
            let files = [
                (
                    idxName(part, .images, imageRank: set.extents.count), "\(key)Images",
                    IDX(extents: set.extents, bytes: set.images)
                ),
                (idxName(part, .labels), "\(key)Labels", IDX(extents: [set.count], bytes: set.labels)),
            ]
            for (name, key, array) in files {
                let path = folder + "/" + name + (gzip ? ".gz" : "")
                let bytes = gzip ? try Gzip.compress(array.fileBytes, level: 6) : array.fileBytes
                try AtomicFile.write(Data(bytes), to: URL(fileURLWithPath: path))
                paths[key] = path
            }
        }
        try AtomicFile.write(
            data.train.classNames.map(ClassName.shown).joined(separator: "\n") + "\n",
            to: URL(fileURLWithPath: joined(folder, classList)))
        let keys = [
            "trainImages", "trainLabels", "validationImages", "validationLabels", "testImages", "testLabels",
        ]
        let fields = try keys.compactMap { key in
            try paths[key].map { "\"\(key)\": " + String(decoding: try JSONEncoder.plain.encode($0), as: UTF8.self) }
        }
        return "\"data\": {\"files\": {" + fields.joined(separator: ", ") + "}}"
    }

    /// Returns the class names listed in `folder`, if any.
    static func classNames(in folder: String) throws(InputError) -> [String]? {
        let list = joined(folder, classList)
        guard DatasetFileNames.isFile(list) else { return nil }
        let file = try BinaryFile(list)
        let text = String(decoding: try file.read(exactly: min(file.size, 1 << 16)), as: UTF8.self)
        return text.split(whereSeparator: \.isNewline).map { ClassName.shown(String($0)) }
    }

    /// Reads the IDX files of `folder` that are named like MNIST's, plain or gzip-compressed, and `classes.txt` if
    /// present.
    package static func readIDX(_ folder: String, transposed: Bool = false) throws -> ConvertedData? {
        var names = try classNames(in: folder)
        func set(_ part: FolderLayout.Split) throws -> ImageSet? {
            guard let images = idxPath(part, .images, in: folder) else { return nil }
            guard let labels = idxPath(part, .labels, in: folder) else {
                throw InputError(
                    folder, expected: "\(idxName(part, .labels)) beside \(idxName(part, .images))", received: "none")
            }
            let set = try readIDX(images: images, labels: labels, classNames: names, transposed: transposed)
            names = set.classNames
            return set
        }
        guard let train = try set(.train) else { return nil }
        return ConvertedData(train: train, validation: try set(.val), test: try set(.test))
    }

    /// Reads two IDX files; classes are named by number if `classNames` is nil.
    package static func readIDX(
        images: String, labels: String, classNames: [String]?, transposed: Bool = false
    ) throws -> ImageSet {
        let pixels = try OwnIDX(images: images).array, classes = try OwnIDX(labels: labels).array
        let names = classNames ?? (0...Int(classes.bytes.max() ?? 0)).map { "\($0)" }
        let (rows, columns) = (pixels.extents[1], pixels.extents[2])
        let channels = pixels.extents.count > 3 ? pixels.extents[3] : 1
        return try ImageSet(
            images: transposed
                ? DatasetReader.transposed(pixels.bytes, rows: rows, columns: columns, channels: channels)
                : pixels.bytes,
            labels: classes.bytes, height: transposed ? columns : rows, width: transposed ? rows : columns,
            channels: channels, classCount: names.count, classNames: names, place: images, labelsPlace: labels)
    }
}

extension JSONEncoder {
    fileprivate static var plain: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        return encoder
    }
}
