import Formats
import Foundation
import Pictures
import Tensors
import Testing
import Workers

@testable import Datasets

/// Pictures of lines with their texts, in every layout, and what is wrong with them.
@Suite struct LineFolderTests {
    private static func with(_ body: (String) throws -> Void) throws {
        let url = FileManager.default.temporaryDirectory.appending(path: "lines-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: url) }
        try body(url.path)
    }

    /// Dark bars on light paper, one for each character, as wide as its digit says.
    private static func write(_ text: String, to path: String) throws {
        try FileManager.default.createDirectory(
            atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        let width = 20 + 24 * max(text.count, 1), height = 60
        var pixels = [UInt8](repeating: 235, count: width * height)
        for (place, character) in text.enumerated() {
            let bar = 4 + (character.wholeNumberValue ?? 0)
            for y in 12..<48 { for x in 0..<bar { pixels[y * width + 10 + 24 * place + x] = 30 } }
        }
        try PNG(width: width, height: height, colour: .grey, pixels: pixels).encoded().write(
            to: URL(fileURLWithPath: path))
    }

    private static func load(_ path: String, _ change: (inout DataOptions) -> Void = { _ in }) throws -> LoadedData {
        var options = DataOptions()
        (options.lines, options.directory) = (LineOptions(), path)
        options.lines?.widths = 3
        options.lineSize = .init(height: 32, width: 192)
        change(&options)
        return try DatasetLoader.load(options, seed: 4)
    }

    private static let texts = (0..<40).map { "\(100 + 37 * $0)" }

    @Test func everyLayoutIsRead() throws {
        try Self.with { path in
            var rows = "file,text\n"
            for (number, text) in Self.texts.enumerated() {
                try Self.write(text, to: "\(path)/table/p\(number).png")
                rows += "p\(number).png,\(text)\n"
                let half = number % 4 == 0 ? "test" : "train"
                try Self.write(text, to: "\(path)/car/a_\(half)_images/p\(number).png")
                try Self.write(
                    text,
                    to: "\(path)/cvl/cvl-strings-\(number % 4 == 0 ? "eval" : "train")/\(text)-0001-0\(number).png")
            }
            try rows.write(toFile: "\(path)/table/labels.csv", atomically: true, encoding: .utf8)
            for (half, isTest) in [("train", false), ("test", true)] {
                let list = Self.texts.enumerated().filter { ($0.offset % 4 == 0) == isTest }
                    .map { "p\($0.offset).png\t\($0.element)\n" }.joined()
                try list.write(toFile: "\(path)/car/a_\(half)_gt.txt", atomically: true, encoding: .utf8)
            }
            for place in ["table", "table/labels.csv", "car", "cvl"] {
                let data = try Self.load("\(path)/\(place)"), stored = try #require(data.lines?.stored)
                let sets = [stored.train, stored.validation, stored.test]
                #expect(sets.flatMap(\.texts).sorted() == Self.texts.sorted(), "\(place)")
                #expect(sets.allSatisfy { $0.count > 0 && $0.classNames == ImageSet.digits })
                #expect(data.dataset == "pictures" && data.digests.count == 2)
                if place == "car" || place == "cvl" { #expect(stored.test.count == 10) }
                // Bars are where they are: as many runs of ink as characters.
                for set in sets {
                    for bucket in set.buckets {
                        for (index, text) in bucket.texts.enumerated() {
                            let row = bucket.pixels[(index * 32 + 16) * bucket.width..<(index * 32 + 17) * bucket.width]
                            let runs = zip([0] + row, row).count { $0 < 128 && $1 >= 128 }
                            #expect(runs == text.count, "\(place): \(set.text(text))")
                        }
                    }
                }
                #expect(try data.loadTest().digests.count == 1)
            }
            let all = try Self.load("\(path)/table") { $0.isAllTest = true }
            #expect(all.lines?.stored?.test.count == 40)
            #expect(try Self.load("\(path)/car").digests == Self.load("\(path)/car").digests)
        }
    }

    /// Every line once an epoch, each batch of one width, in another order, with the same bits for the same address.
    @Test func storedLinesAreBatches() throws {
        try Self.with { path in
            var rows = "name;transcription\n"
            for number in 0..<30 {
                let text = String(repeating: "3", count: 1 + number % 5)
                try Self.write(text, to: "\(path)/\(number).png")
                rows += "\(number).png;\(text)\n"
            }
            try rows.write(toFile: "\(path)/labels.csv", atomically: true, encoding: .utf8)
            let data = try Self.load(path)
            let lines = try #require(data.lines)
            let source = try lines.source(of: data.train, seed: 1, columns: [32, 64, 96])
            let count = try #require(lines.stored).train.count
            var orders: [[LineBatch]] = []
            for epoch in 1...2 {
                let batches = source.batches(ofEpoch: epoch, size: 4)
                #expect(batches.count == source.batchCount(size: 4) && batches.count == lines.batchCount(size: 4))
                let drawn = batches.flatMap { batch in batch.lines.map { "\(batch.bucket) \($0)" } }
                #expect(drawn.count == count && Set(drawn).count == count && lines.trainingCount == count)
                orders.append(batches)
            }
            #expect(orders[0] != orders[1] && source.batches(ofEpoch: 1, size: 4) == orders[0])
            var a = source.makeScratch(), b = source.makeScratch()
            let batch = orders[0][0]
            let text = source.draw(batch.lines[0], epoch: 1, bucket: batch.bucket, scratch: &a)
            #expect(source.draw(batch.lines[0], epoch: 1, bucket: batch.bucket, scratch: &b) == text)
            #expect(a.pixels == b.pixels && text.allSatisfy { $0 == 3 })
            _ = source.draw(batch.lines[0], epoch: 2, bucket: batch.bucket, scratch: &b)
            #expect(a.pixels != b.pixels)
            // Equal neighbours ask for a column between them: five of them for nine columns.
            #expect(throws: InputError.self) { try lines.source(of: data.train, seed: 1, columns: [8, 8, 8]) }
            #expect(throws: Never.self) { try lines.source(of: data.train, seed: 1, columns: [9, 9, 9]) }
        }
    }

    /// Rows may be numbered beside their text, a validation half is used as one, and no half is passed over.
    @Test func partsAndColumnsAreTakenByName() throws {
        try Self.with { path in
            for (name, count) in [("train", 4), ("val", 2), ("test", 3)] {
                var rows = "number,file,text\n"
                for number in 0..<count {
                    try Self.write("307", to: "\(path)/\(name)\(number).png")
                    rows += "\(number),\(name)\(number).png,307\n"
                }
                try rows.write(toFile: "\(path)/latest_\(name).csv", atomically: true, encoding: .utf8)
            }
            let stored = try #require(try Self.load(path).lines?.stored)
            #expect((stored.train.count, stored.validation.count, stored.test.count) == (4, 2, 3))
            #expect(stored.train.texts.allSatisfy { $0 == "307" })
            try FileManager.default.copyItem(atPath: "\(path)/latest_test.csv", toPath: "\(path)/test-2.csv")
            #expect(throws: InputError.self) { try Self.load(path) }
        }
    }

    @Test func whatIsWrongIsNamed() throws {
        func message(_ path: String) -> String {
            do {
                _ = try Self.load(path)
                return "read"
            } catch { return "\(error)" }
        }
        try Self.with { path in
            func write(_ rows: String) throws {
                try ("file,text\n" + rows).write(toFile: "\(path)/labels.csv", atomically: true, encoding: .utf8)
            }
            try Self.write("12", to: "\(path)/a.png")
            try Self.write("", to: "\(path)/empty.png")
            try Self.write(String(repeating: "1", count: 20), to: "\(path)/long.png")
            try write("a.png,12\nempty.png,7\n")
            #expect(message(path).contains("empty.png: expected a picture of a line of text · received an empty one"))
            try write("a.png,12\nmissing.png,7\n")
            #expect(message(path).contains("missing.png"))
            let characters = (0..<257).map { String(UnicodeScalar(0x4E00 + $0) ?? "?") }
            try write(characters.map { "a.png,\($0)\n" }.joined())
            #expect(message(path).contains("expected 1 to 256 classes · received 257"))
            try write("a.png,\n")
            #expect(message(path).contains("labels.csv:2: expected a text of 1…32 characters · received none"))
            try write("a.png\n")
            #expect(message(path).contains("labels.csv:2: expected 2 columns · received 1"))
            try write("long.png,\(String(repeating: "1", count: 20))\n")
            #expect(message(path).contains("long.png: expected a line of at most 192 pixels"))
            try write("a.png,1x\n")
            do {
                _ = try Self.load(path) { $0.classNames = ImageSet.digits }
                Issue.record("a text outside the classes was read")
            } catch { #expect("\(error)".contains("labels.csv:2: expected text of the classes 0, 1")) }
            try FileManager.default.createDirectory(
                atPath: "\(path)/x/b_train_images", withIntermediateDirectories: true)
            #expect(message("\(path)/x").contains("expected b_train_gt.txt beside b_train_images"))
            try Self.write("12", to: "\(path)/y/a.png")
            #expect(message("\(path)/y").contains("received pictures alone"))
            try "name,size\na.png,3\n".write(toFile: "\(path)/y/labels.csv", atomically: true, encoding: .utf8)
            #expect(message("\(path)/y").contains("labels.csv: expected a column file and a column text"))
            try write("")
            #expect(message(path).contains("expected pictures of lines · received none"))
        }
    }
}
