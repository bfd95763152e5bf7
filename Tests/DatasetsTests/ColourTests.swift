import Foundation
import Pictures
import Tensors
import Testing

@testable import Datasets

/// Pictures and tables in colour.
@Suite struct ColourTests {
    private func withFolder(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("colour-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder.path)
    }

    /// Smooth images of two classes, `[count, 8, 6, 3]`.
    private func set(_ count: Int) throws -> ImageSet {
        var pixels: [UInt8] = []
        for image in 0..<count {
            for y in 0..<8 {
                for x in 0..<6 { pixels += [UInt8(20 * y + image), UInt8(30 * x), UInt8(200 - 9 * (x + y) - image)] }
            }
        }
        return try ImageSet(
            images: pixels, labels: (0..<count).map { UInt8($0 % 2) }, height: 8, width: 6, channels: 3, classCount: 2,
            classNames: ["a", "b"])
    }

    private func options(_ path: String) -> DataOptions {
        var options = DataOptions()
        options.directory = path
        (options.prepare, options.validationFraction) = (false, 0)
        (options.imageSize, options.imageChannels) = (.init(height: 8, width: 6), 3)
        return options
    }

    @Test(arguments: ["png", "csv", "idx", "shards"]) func everyFormKeepsEveryPixel(form: String) throws {
        try withFolder { folder in
            let data = ConvertedData(train: try set(10), test: try set(4)), path = folder + "/" + form
            switch form {
            case "png": try ImageFolder.write(data, to: path)
            case "csv": try ImageCSV.write(data, to: path)
            case "idx": _ = try ConversionFiles.writeIDX(data, to: path, gzip: true)
            default: try ShardWriter(path, shardBytes: 300).write(data)
            }
            var options = options(path)
            if form == "csv" { options.classNames = ["a", "b"] }
            let locations = DatasetLocations(environment: ["XDG_CACHE_HOME": folder + "/cache"])
            let read = try DatasetLoader.load(options, seed: 1, locations: locations)
            func contents(_ set: ImageSet) -> [[UInt8]] {
                (0..<set.count).map { [set.labels[$0]] + set.bytes(of: $0) }.sorted { $0.lexicographicallyPrecedes($1) }
            }
            #expect((read.train.height, read.train.width, read.train.channels) == (8, 6, 3))
            #expect(contents(read.train) == contents(data.train))
            #expect(try contents(read.loadTest().images) == contents(#require(data.test)))
        }
    }

    @Test func aTableOfPlanesIsRecognized() throws {
        let set = try set(6)
        let text = (0..<6).map { image in
            let pixels = set.bytes(of: image)
            let planes = (0..<3).flatMap { c in stride(from: c, to: pixels.count, by: 3).map { pixels[$0] } }
            return "\(set.labels[image])," + planes.map(String.init).joined(separator: ",")
        }.joined(separator: "\n")
        var notes: [String] = []
        let read = try ImageCSV.parse(
            Array(text.utf8), path: "t.csv", .init(labelColumn: "1", size: (width: 6, height: 8), channels: 3)
        ) { notes.append($0) }
        #expect(read.images == set.images)
        #expect(notes.contains { $0.contains("plane by plane") })
    }

    @Test func inkIsNotPreparedInColour() throws {
        try withFolder { folder in
            try ImageFolder.write(ConvertedData(train: try set(10), test: try set(4)), to: folder + "/png")
            var options = options(folder + "/png")
            options.prepare = true
            let error = #expect(throws: InputError.self) { _ = try DatasetLoader.load(options, seed: 1) }
            #expect(error?.place == "data.prepare")
            (options.prepare, options.imageChannels) = (false, 5)
            let other = #expect(throws: InputError.self) { _ = try DatasetLoader.load(options, seed: 1) }
            #expect(other?.place == "model.inputShape")
        }
    }
}
