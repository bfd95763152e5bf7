import Foundation
import Pictures
import Tensors
import Testing

@testable import Datasets
@testable import Formats

/// SVHN's whole numbers: a digitStruct.mat made by h5py (Tests/Oracles/make_hdf5.py) and pictures made here.
@Suite struct HouseNumbersTests {
    /// The pictures of the file and where their digits are: left, top, width, height.
    private static let numbers: [(name: String, text: String, boxes: [[Int]])] = [
        ("1.png", "19", [[10, 8, 12, 30], [25, 9, 13, 31]]), ("2.png", "5", [[12, 6, 14, 28]]),
        ("3.png", "207", [[5, 5, 10, 25], [18, 5, 10, 25], [31, 6, 11, 26]]),
    ]

    private static func with(_ body: (String) throws -> Void) throws {
        let folder = NSTemporaryDirectory() + "numbers-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for half in ["train", "test"] {
            try FileManager.default.createDirectory(atPath: "\(folder)/\(half)", withIntermediateDirectories: true)
            try Data(try Self.bytes()).write(to: URL(fileURLWithPath: "\(folder)/\(half)/digitStruct.mat"))
            for number in numbers { try write(number.boxes, to: "\(folder)/\(half)/\(number.name)") }
        }
        try body(folder)
    }

    /// A bar in each digit's box, and writing elsewhere that is none of the number's.
    private static func write(_ boxes: [[Int]], to path: String) throws {
        let (width, height) = (120, 60)
        var pixels = [UInt8](repeating: 230, count: width * height)
        func fill(_ left: Int, _ top: Int, _ columns: Int, _ rows: Int) {
            for y in top..<top + rows { for x in left..<left + columns { pixels[y * width + x] = 40 } }
        }
        for box in boxes { fill(box[0] + 3, box[1], box[2] - 6, box[3]) }
        fill(90, 10, 20, 40)
        try PNG(width: width, height: height, colour: .grey, pixels: pixels).encoded().write(
            to: URL(fileURLWithPath: path))
    }

    @Test func namesTextsAndBoxesAreThoseOfTheFile() throws {
        try Self.with { folder in
            let entries = try #require(try HouseNumbers.entries(in: folder + "/train"))
            #expect(entries.map(\.text) == ["19", "5", "207"])
            #expect(entries.map(\.file) == Self.numbers.map { "\(folder)/train/\($0.name)" })
            // The boxes together, and a tenth of their height, 32 pixels, more on every side.
            #expect(entries[0].box == PixelBox(x: 6, y: 4, width: 36, height: 40))
            #expect(try HouseNumbers.entries(in: folder) == nil)
        }
    }

    @Test func linesShowWhatIsInTheBoxesAlone() throws {
        try Self.with { folder in
            let data = try Self.load(folder), stored = try #require(data.lines?.stored)
            #expect(stored.train.texts.sorted() == ["19", "207", "5"] && stored.test.count == 3)
            for bucket in stored.test.buckets {
                for (index, text) in bucket.texts.enumerated() {
                    let row = bucket.pixels[(index * 32 + 16) * bucket.width..<(index * 32 + 17) * bucket.width]
                    #expect(zip([0] + row, row).count { $0 < 128 && $1 >= 128 } == text.count)
                }
            }
        }
    }

    /// Nobody can mend a photograph: one without writing is a line of paper, and that is said.
    @Test func aPhotographWithoutWritingIsPaper() throws {
        try Self.with { folder in
            let paper = PNG(width: 120, height: 60, colour: .grey, pixels: [UInt8](repeating: 200, count: 7200))
            try paper.encoded().write(to: URL(fileURLWithPath: folder + "/test/2.png"))
            let data = try Self.load(folder), test = try #require(data.lines?.stored?.test)
            #expect(data.notes.contains { $0.contains("1 of 3 photographs") }, "\(data.notes)")
            #expect(test.count == 3 && test.buckets.contains { $0.texts.contains([5]) })
        }
    }

    /// The three digits of a number do not fit a narrow network, and that is not taken for no writing.
    @Test func aLongerLineThanTheNetworksIsNamedSo() throws {
        try Self.with { folder in
            let data = try Self.load(folder, width: 32)
            #expect(data.notes.contains { $0.contains("show longer lines than 32 pixels") }, "\(data.notes)")
            #expect(!data.notes.contains { $0.contains("no writing") })
        }
    }

    @Test func boxesOutsideThePictureAreRefused() throws {
        try Self.with { folder in
            try PNG(width: 4, height: 4, colour: .grey, pixels: [UInt8](repeating: 200, count: 16)).encoded().write(
                to: URL(fileURLWithPath: folder + "/train/2.png"))
            do {
                _ = try Self.load(folder)
                Issue.record("a box outside was taken")
            } catch {
                #expect("\(error)".contains("boxes within the picture, 4×4"), "\(error)")
                #expect("\(error)".contains("2. picture"), "\(error)")
            }
        }
    }

    private static func load(_ folder: String, width: Int = 192) throws -> LoadedData {
        var options = DataOptions()
        (options.lines, options.directory, options.validationFraction) = (LineOptions(), folder, 0)
        options.lines?.widths = max(1, width / 64)
        options.lineSize = .init(height: 32, width: width)
        return try DatasetLoader.load(options, seed: 4)
    }

    private static func bytes() throws -> [UInt8] {
        try Gzip.decompress(
            [UInt8](try #require(Data(base64Encoded: packed))), limit: 1 << 20, place: "digitStruct.mat")
    }

    private static let packed = """
        H4sIAAAAAAACA+1cXUwcVRS+M8vaLcgWLAWklGy7FYEihdktf1J2QaBIoUVLGoNKAGd3WYOU4KrEh4aoIZX4YPpAGmOIIT5UH0hjTGOqD31qmq\
        YaU39iatI0xBgTk6bhgZg+iLs756zMwPz4w9477D0vhzucPbtz5jvfOffevdvXNtDb1u5pqPF5+toGnghHx0OES+bIu90dXbnZJdnJgctFskie\
        8g9RUWsgS1H1GF8/DFoAfQ70RRGvC8n/FcP1fPCvtRt4trMzYb2mEXyfu05F5/FHlpHS3dnWn9DPwdgD+rqotvNOhcKvegmRo5Fo7FRs6rWXYi\
        p8Nv7D99XDb7dDGY851+N3hy5+G13qfLnpVfQMjJfq1Pguf1LRX8C47ClF/wTje0+r49D+KMSJQ4Vp/A4LasKcbzDGmX8/4MtrbHevWhm7D6vf\
        99SJkx1CnMxdmDcONV9rcYz4O1+stjvbp+grxZn5/ATiVGIh4LhC0aJywampg9qxIx5ZAeIrrou0M/5kEtdFUXHkgifrEGZ2Kq/M1nySGSbioe\
        AqK4Wrih3G9v2IqxJjO+T3G6XGdsijy/vsjas6UkMmyQSJ6Gb2Z4CDWznWOqW5XerKwCWzO6Va0Cs5arvxkdHQeEKHwskWKXZmMnn9jagcG0tU\
        hFA0Mhb7m8Eq/iNDagrfBu2IIz/xd74nAKwSJP4c4l9zEBOmHMxVLFyaTzTNwNO4H6AXlyk3u3E5EDSLi6iJg7ghLsp9F8Ed6sfhVt7mc8dzTO\
        WtUlGdqTx7UGZsj0/1TbexHd71I7uN7bDujBYa22Fd+XQvm/zX8zDcRy5tXlrJZzf/DgbpxSV7N7txaUojLx0osAMvLcPHe5BPO5/a97CLGw/F\
        fBos5HU+2e8U2SGfJMj6nj2082muhEXc6M2DtStQ2nkO2t/WrFBNjLyS3NIaHT0zvT5uwS3q25ZNtihwPoZ8qieNGrzoCd4H4kl3Xgj6rSKWZ6\
        8VFHl0cS+7PFqVRh69UmoHHkUc44oiPdzc3scublop5tNKGbtxCaQxn7I9dsgnXHHHFfX073hUwV4XmzseUmql3mwFvrpcvVLCJbNEbwU+5lXb\
        /d8r8LgnNwbjEhMATiIPOdWZq91zRr7+/pCxP8zTSxp/envTrAq9inmwnN2KWRDUznS+qjJ+Bd5FwWPGdlgXY48b2+HE7j2TREDYf1zJ8aXG1z\
        sV7OKL5szvw0p241JMMS6fV7Ebl2qKcbl5iN24tATT37n/Us1y5+6z3LmXH+GdO+/cN3buNYe3tnOnx2TztewyGaHI8KsSi3HBGR6uHM2azKje\
        B71Qa2x3AfSfkrVOfW6nOs7a7yjaQ2h+B8LtZzfvSk3j4tgQB+3Y6troRL16bofC9nezTvdam/kW+q3l0+st1ma+vwatzXwXutjMOOQr5CPkG4\
        o838hw/SMynAqSIU6yDzTgSoZ+VYYskuE0iQx3JTehn1rQdaAl0D7QftBHQNeDbgDdCLoJPg/4k8CfBP4k8CeBPwn8SeBPAn8S+JPAnw/8+epU\
        z3V4i1e0KPJ/M7u4kyjGZaKF5b7rI+SxemP7i9hPmRw3vIR1otnYDk8BLhzdDrOsQBr7i9mjdugvEE+IF8QDvTxcamWXn2jy9rUAj8tmcbkTZD\
        cuxWnkm9U2O/AN1pHLkOXfBGjzTbiD5bp/lajjpSfXiTqeevItaHe7sR2e9p/o2A51n+Z6y9lOdvmJZlzmu9iNS3kaeXvpmB14G/kC+WC2kzZv\
        /9jNLn6aKOZV/XF269lD5C5R40dPfgN97Zi19Uk8e6kn90HfMfmZmj9Atx63tt6JZz0zB18netnNu+Y08na4zw68jfmDuEdcm30fYal/86fMJT\
        MkwdVbkkcOxUFOnEETfwgp/67k6Ts5FB4fiYVS/lL5JjpWn1EuifA2mt81S0f9ElP7Zj0vGNtj3iyc5FhaLwneScRRyztmv65YA/HGMi/q2LVq\
        nov27AznMy5cuHDhwoULF3vI9NB3wxHiqHS6cknWJ+Tl6aEvF7+eEcmuHwQW5yqDL1Kcq/zbHvt8xFqPvRjhPTYXLly4cOHChcv26LF/X5bJ2+\
        7T8R479wNh//TQz1dvxHvsnOfJ5b8A+H5U6K5pAAA=
        """
}
