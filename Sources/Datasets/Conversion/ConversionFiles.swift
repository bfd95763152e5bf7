import Formats
import Foundation
import Tensors

/// What a conversion writes: into a folder of its own, nothing overwritten.
package enum ConversionFiles {
    static func make(_ folder: String) throws(OperationError) {
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw OperationError("creating \(folder)", problem: error.localizedDescription)
        }
    }

    /// Makes `folder`, which must not be there or be empty.
    static func makeEmpty(_ folder: String) throws {
        if let names = try? FileManager.default.contentsOfDirectory(atPath: folder), !names.isEmpty {
            throw InputError(
                folder, expected: "a folder that is empty or not there yet", received: "one with \(names.count) files",
                remedy: "name another, or remove it")
        }
        try make(folder)
    }

    /// Without syncing each of what may be 70,000 files.
    static func write(_ data: Data, to path: String) throws(OperationError) {
        do {
            try data.write(to: URL(fileURLWithPath: path))
        } catch {
            throw OperationError("writing \(path)", problem: error.localizedDescription)
        }
    }

    /// Names of MNIST's files, by half.
    static let idxNames = [
        "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
        "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
    ]

    /// Writes `data` as IDX files named like MNIST's, and `classes.txt` with a class name a line.
    /// - Returns: The section `data` of a configuration that trains on them.
    package static func writeIDX(_ data: ConvertedData, to folder: String, gzip: Bool) throws -> String {
        try makeEmpty(folder)
        var paths: [String: String] = [:]
        for (half, set) in [("train", data.train), ("test", data.test)] {
            guard let set, let names = idxNames[half] else { continue }
            guard set.channels == 1 else {
                throw InputError(folder, expected: "images of one channel", received: "\(set.channels)")
            }
            let files = [
                (names.0, "\(half)Images", IDX(extents: [set.count, set.height, set.width], bytes: set.images)),
                (names.1, "\(half)Labels", IDX(extents: [set.count], bytes: set.labels)),
            ]
            for (name, key, array) in files {
                let path = folder + "/" + name + (gzip ? ".gz" : "")
                let bytes = gzip ? try Gzip.compress(array.fileBytes, level: 6) : array.fileBytes
                try AtomicFile.write(Data(bytes), to: URL(fileURLWithPath: path))
                paths[key] = path
            }
        }
        try AtomicFile.write(
            data.train.classNames.joined(separator: "\n") + "\n", to: URL(fileURLWithPath: folder + "/classes.txt"))
        let keys = ["trainImages", "trainLabels", "testImages", "testLabels"]
        let fields = try keys.compactMap { key in
            try paths[key].map { "\"\(key)\": " + String(decoding: try JSONEncoder.plain.encode($0), as: UTF8.self) }
        }
        return "\"data\": {\"files\": {" + fields.joined(separator: ", ") + "}}"
    }

    /// Reads the IDX files of `folder` that are named like MNIST's, gzip or not, and `classes.txt` where it is there.
    package static func readIDX(_ folder: String) throws -> ConvertedData? {
        func path(_ name: String) -> String? {
            ["", ".gz"].map { folder + "/" + name + $0 }.first { FileManager.default.fileExists(atPath: $0) }
        }
        var names: [String]?
        let list = folder + "/classes.txt"
        if FileManager.default.fileExists(atPath: list) {
            let file = try BinaryFile(list)
            let text = String(decoding: try file.read(exactly: min(file.size, 1 << 16)), as: UTF8.self)
            names = text.split(whereSeparator: \.isNewline).map(String.init)
        }
        var sets: [ImageSet] = []
        for half in ["train", "test"] {
            guard let files = idxNames[half], let images = path(files.0) else { break }
            guard let labels = path(files.1) else {
                throw InputError(folder, expected: "\(files.1) beside \(files.0)", received: "none")
            }
            let set = try readIDX(images: images, labels: labels, classNames: names ?? sets.first?.classNames)
            sets.append(set)
        }
        return sets.first.map { ConvertedData(train: $0, test: sets.count > 1 ? sets[1] : nil) }
    }

    /// Reads two IDX files; classes are named by their numbers where `classNames` says nothing.
    package static func readIDX(images: String, labels: String, classNames: [String]?) throws -> ImageSet {
        let pixels = try IDX.read(images, .images), classes = try IDX.read(labels, .labels)
        let names = classNames ?? (0...Int(classes.bytes.max() ?? 0)).map { "\($0)" }
        return try ImageSet(
            images: pixels.bytes, labels: classes.bytes, height: pixels.extents[1], width: pixels.extents[2],
            classCount: names.count, classNames: names, place: images, labelsPlace: labels)
    }
}

extension JSONEncoder {
    fileprivate static var plain: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        return encoder
    }
}
