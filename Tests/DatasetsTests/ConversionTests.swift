import Foundation
import Pictures
import Tensors
import TestSupport
import Testing

@testable import Datasets

/// Data sets from folders and tables to IDX and back, and every way in which they can be wrong.
@Suite struct ConversionTests {
    private func withFolder(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("convert-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder.path)
    }

    private func sample(_ range: Range<Int>) throws -> ImageSet { try SampleDigits.test.get().subset(range) }

    /// As pairs of label and pixels, in an order of their own.
    private func contents(_ set: ImageSet) -> [[UInt8]] {
        (0..<set.count).map { index in
            [set.labels[index]] + set.images[(index * set.imageSize)..<((index + 1) * set.imageSize)]
        }.sorted { $0.lexicographicallyPrecedes($1) }
    }

    @Test(arguments: [false, true]) func aRoundTripThroughPicturesKeepsEveryPixel(gzip: Bool) throws {
        try withFolder { folder in
            let data = ConvertedData(train: try sample(0..<60), test: try sample(60..<80))
            try ImageFolder.write(data, to: folder + "/png")
            let read = try ImageFolder.read(folder + "/png", fitting: .asIs)
            #expect(contents(read.train) == contents(data.train))
            #expect(read.test.map(contents) == data.test.map(contents))
            #expect(read.train.classNames == data.train.classNames)
            let section = try ConversionFiles.writeIDX(read, to: folder + "/idx", gzip: gzip)
            #expect(section.contains("\"testLabels\": \"\(folder)/idx/t10k-labels-idx1-ubyte\(gzip ? ".gz" : "")\""))
            let again = try #require(try ConversionFiles.readIDX(folder + "/idx"))
            #expect(again.train.images == read.train.images && again.train.labels == read.train.labels)
            #expect(again.test?.images == read.test?.images && again.train.classNames == read.train.classNames)
            // Nothing is overwritten.
            #expect(throws: InputError.self) { try ConversionFiles.writeIDX(read, to: folder + "/idx", gzip: gzip) }
            #expect(throws: InputError.self) { try ImageFolder.write(data, to: folder + "/png") }
        }
    }

    @Test func aRoundTripThroughTablesKeepsEveryPixelAndTheOrder() throws {
        try withFolder { folder in
            let data = ConvertedData(train: try sample(0..<30), test: try sample(30..<40))
            try ImageCSV.write(data, to: folder + "/csv")
            let train = try ImageCSV.read(folder + "/csv/train.csv")
            let test = try ImageCSV.read(folder + "/csv/test.csv", as: train)
            #expect(train.images == data.train.images && train.labels == data.train.labels)
            #expect(test.images == data.test?.images && test.labels == data.test?.labels)
            #expect(train.classNames == data.train.classNames)
        }
    }

    private func parse(_ text: String, size: (Int, Int)? = nil) throws -> ImageSet {
        try ImageCSV.parse(
            Array(text.utf8), path: "t.csv", .init(size: size.map { (width: $0.0, height: $0.1) }))
    }

    @Test func tablesAreReadWithAndWithoutHeaders() throws {
        let plain = try parse("1,0,255,3,4\n0,5,6,7,255\n")
        #expect(plain.labels == [1, 0] && plain.images == [0, 255, 3, 4, 5, 6, 7, 255])
        #expect(plain.width == 2 && plain.height == 2 && plain.classNames == ["0", "1"])
        let headed = try parse("\u{FEFF}a,b,class,c,d\r\n9,8,1,7,6\r\n\r\n\"5\", 4 ,0,3,2")
        #expect(headed.labels == [1, 0] && headed.images == [9, 8, 7, 6, 5, 4, 3, 2])
        let wide = try parse("1,1,2,200\n0,4,5,6\n", size: (3, 1))
        #expect(wide.width == 3 && wide.height == 1)
    }

    @Test func everyRefusedRowIsNamed() throws {
        func problems(_ text: String) -> String {
            do {
                _ = try parse(text)
                return "read"
            } catch { return "\(error)" }
        }
        let text = problems(
            "label,p0,p1,p2,p3\n1,0,256,0,0\n1,2,3,4,5\n1,0,0,x\u{1B}y,0\n1,2,3\n0,1,2,3,4,5\n,1,1,1,1\n0,-1,1.5,1,1\n")
        #expect(
            text.split(separator: "\n") == [
                "t.csv:2:3: expected a pixel, a number in 0…255 · received 256",
                "t.csv:4:4: expected a pixel, a number in 0…255 · received x\\u{1b}y",
                "t.csv:5:3: expected 5 fields, as the first row has · received 3",
                "t.csv:6:5: expected 5 fields, as the first row has · received more",
                "t.csv:7:1: expected a label, a whole number in 0…255 · received nothing",
                "t.csv:8:2: expected a pixel, a number in 0…255 · received -1 · undo the normalisation of the pixels",
            ])
        let many = problems("label,a,b,c,d\n" + String(repeating: "0,1,1,3,x\n", count: 50))
        #expect(many.split(separator: "\n").count == 21 && many.hasSuffix("… and 30 more"))
        #expect(problems("") == "t.csv: expected rows of numbers · received an empty file")
        #expect(problems("label,a\n").contains("t.csv: expected rows") || problems("label,a\n").contains("received"))
        #expect(problems("label,a,b\n1,2,3\n0,1,2\n").contains("t.csv: expected a square number of pixels"))
        #expect(problems("label,a\n0,1\n0,2\n").contains("at least two classes"))
    }

    /// Every prefix and every damaged byte of a small table is read or refused in words.
    @Test func noBrokenTableDoesHarm() throws {
        let bytes = Array("label,a,b,c,d\r\n1,0,\"255\",3,4\n0,5, 6,7,8\n".utf8)
        for end in 0..<bytes.count {
            do { _ = try ImageCSV.parse(Array(bytes[..<end]), path: "t") } catch { #expect(!"\(error)".isEmpty) }
        }
        for index in bytes.indices {
            for value in [UInt8(0), 0x0A, 0x22, 0x2C, 0x39, 0x80, 0xFF] {
                var damaged = bytes
                damaged[index] = value
                do {
                    let set = try ImageCSV.parse(damaged, path: "t")
                    #expect(set.images.count == set.count * set.imageSize)
                } catch { #expect(!"\(error)".isEmpty) }
            }
        }
    }

    private func write(_ image: GreyImage, to path: String) throws {
        try FileManager.default.createDirectory(
            atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        let header = "P5 \(image.width) \(image.height) 255\n"
        try Data(Array(header.utf8) + image.pixels).write(to: URL(fileURLWithPath: path))
    }

    private func picture(_ width: Int, _ height: Int, _ level: UInt8 = 9) -> GreyImage {
        GreyImage(width: width, height: height, pixels: [UInt8](repeating: level, count: width * height))
    }

    @Test func foldersAreClassesInTheirOrder() throws {
        #expect(ImageFolder.ordered(["10", "9", "1"]) == ["1", "9", "10"])
        #expect(ImageFolder.ordered(["b", "10", "9"]) == ["10", "9", "b"])
        try withFolder { folder in
            for (name, level) in [("2", UInt8(20)), ("10", 100), ("1", 10)] {
                try write(picture(4, 3, level), to: "\(folder)/set/\(name)/b.pgm")
                try write(picture(4, 3, level + 1), to: "\(folder)/set/\(name)/a.pgm")
            }
            try Data("notes".utf8).write(to: URL(fileURLWithPath: folder + "/set/README.txt"))
            try Data("x".utf8).write(to: URL(fileURLWithPath: folder + "/set/2/.hidden"))
            let data = try ImageFolder.read(folder + "/set", fitting: .asIs)
            #expect(data.test == nil && data.train.classNames == ["1", "2", "10"])
            #expect(data.train.labels == [0, 0, 1, 1, 2, 2])
            #expect((0..<6).map { data.train.images[12 * $0] } == [11, 10, 21, 20, 101, 100])
            let inverted = try ImageFolder.read(folder + "/set", fitting: .resized(width: 2, height: 2), inverted: true)
            #expect(inverted.train.imageSize == 4 && inverted.train.images[0] == 244)
            let split = ConvertedData(train: data.train).withTest(fraction: 0.5)
            #expect(split.train.count == 3 && split.test?.count == 3 && split.test?.classSizes == [1, 1, 1])
        }
    }

    @Test func everyRefusedFileIsNamed() throws {
        try withFolder { folder in
            try write(picture(4, 3), to: folder + "/set/a/1.pgm")
            try write(picture(5, 3), to: folder + "/set/a/2.pgm")
            try write(picture(4, 3), to: folder + "/set/b/1.pgm")
            try Data("GIF89a".utf8).write(to: URL(fileURLWithPath: folder + "/set/b/2.png"))
            let problems = #expect(throws: ConversionProblems.self) {
                try ImageFolder.read(folder + "/set", fitting: .asIs)
            }
            #expect(problems?.count == 2)
            #expect(problems?.told[0].place == folder + "/set/a/2.pgm" && problems?.told[0].received == "5×3")
            #expect(
                problems?.told[0].remedy
                    == "model.inputShape (datasets convert: --size WIDTHxHEIGHT) resamples all to one size")
            #expect(problems?.told[1].received == "a GIF picture")
            #expect(throws: InputError.self) { try ImageFolder.read(folder + "/nowhere", fitting: .asIs) }
            try FileManager.default.createDirectory(atPath: folder + "/one/a", withIntermediateDirectories: true)
            #expect(throws: InputError.self) { try ImageFolder.read(folder + "/one", fitting: .asIs) }
            try FileManager.default.createDirectory(atPath: folder + "/half/test/a", withIntermediateDirectories: true)
            #expect(throws: InputError.self) { try ImageFolder.read(folder + "/half", fitting: .asIs) }
        }
    }

    @Test func picturesArePreparedAsMNISTWas() throws {
        try withFolder { folder in
            for index in 0..<6 {
                let digit = try SampleDigits.digit(index)
                var sheet = Sheet(width: 90 + index, height: 100)
                sheet.put(digit.pixels, x: 3, y: 9, zoom: 3)
                try write(sheet.image(paper: 230, pen: 20), to: "\(folder)/set/\(index % 2)/\(index).pgm")
            }
            let data = try ImageFolder.read(folder + "/set", fitting: .prepared(width: 28, height: 28))
            #expect(data.train.count == 6 && data.train.width == 28)
            // Light on black, with MNIST's margin.
            #expect((0..<6).allSatisfy { data.train.images[784 * $0] == 0 })
            try write(picture(30, 30), to: folder + "/set/0/empty.pgm")
            let problems = #expect(throws: ConversionProblems.self) {
                try ImageFolder.read(folder + "/set", fitting: .prepared(width: 28, height: 28))
            }
            #expect(problems?.told.first?.received == "an empty one")
        }
    }
}
