import Foundation
import Tensors
import TestSupport
import Testing

@testable import Datasets
@testable import Formats

/// Tables as other programs write them: which column is the label, what is a header, what separates.
@Suite struct TableTests {
    /// The images of a table; notes are gathered.
    private func parse(_ text: String, _ options: ImageCSV.Options = .init()) throws -> (ImageSet, notes: [String]) {
        var notes: [String] = []
        return (try ImageCSV.parse(Array(text.utf8), path: "t", options) { notes.append($0) }, notes)
    }

    private func refusal(_ text: String, _ options: ImageCSV.Options = .init()) -> String {
        do {
            let set = try parse(text, options).0
            return "read: \(set.labels) \(set.images)"
        } catch { return "\(error)" }
    }

    /// Four rows of labels 3, 1, 0, 2 and pixels of 2×2, the label at `column`.
    private func rows(label column: Int, separator: String = ",", pixel: (Int) -> String = { "\($0)" }) -> String {
        [3, 1, 0, 2].enumerated().map { index, label in
            var fields = (0..<4).map { pixel(200 - 40 * index - $0) }
            fields.insert("\(label)", at: column)
            return fields.joined(separator: separator) + "\n"
        }.joined()
    }

    private let pixels: [UInt8] = (0..<4).flatMap { index in (0..<4).map { UInt8(200 - 40 * index - $0) } }

    @Test(arguments: [0, 4], [",", ";", "\t", " "]) func theLabelIsFoundAtEitherEnd(column: Int, separator: String)
        throws
    {
        let (set, notes) = try parse(rows(label: column, separator: separator))
        #expect(set.labels == [3, 1, 0, 2] && set.images == pixels)
        #expect(notes == ["t: the label is column \(column + 1)"])
    }

    @Test(arguments: ["label", "class", "Target", "digit", "Y", "labels"]) func usualNamesAreKnownAnywhere(name: String)
        throws
    {
        let (set, _) = try parse("p1,p2,\(name),p3,p4\n" + rows(label: 2))
        #expect(set.labels == [3, 1, 0, 2] && set.images == pixels)
    }

    /// Tables with nothing but numbers of rows, or images without any label, are none to train on.
    @Test func tablesWithoutImagesAreRefused() {
        for name in ["id", "index", "x"] { #expect(refusal("\(name)\n5\n6\n").contains("expected"), "\(name)") }
        var several = ImageCSV.Options()
        several.multiLabel = true
        #expect(refusal("label,p0\n,5\n,6\n", several).contains("received none"))
    }

    /// A model's classes may be other numbers than 0, 1, 2: those of the table are then looked up by name.
    @Test func numbersAreNamesOfAModelsClasses() throws {
        try withExtendedLifetime(try TemporaryFolder()) { folder in
            let path = try folder.write(Array("label,a,b,c,d\n1,9,9,9,9\n3,8,8,8,8\n2,7,7,7,7\n".utf8), "t.csv")
            #expect(try ImageCSV.read(path, classes: ["1", "2", "3"]).labels == [0, 2, 1])
            #expect(try ImageCSV.read(path, classes: ["0", "1", "2", "3"]).labels == [1, 3, 2])
            #expect(try ImageCSV.read(path, classes: ["3", "2", "1"]).labels == [2, 0, 1])
            #expect(throws: ConversionProblems.self) { try ImageCSV.read(path, classes: ["1", "2", "4"]) }
        }
    }

    @Test func theUserNamesTheColumn() throws {
        let text = "a,b,c,d,e\n" + rows(label: 2)
        for option in ["c", "C", "3"] {
            #expect(try parse(text, .init(labelColumn: option)).0.labels == [3, 1, 0, 2])
        }
        #expect(
            refusal(text, .init(labelColumn: "f"))
                == "data.labelColumn (--label): expected a column of t: its name, or a number in 1…5 · received f · its columns are a, b, c, d, e"
        )
        #expect(refusal(text, .init(labelColumn: "6")).hasPrefix("data.labelColumn (--label): expected"))
        // A name goes before a number.
        #expect(try parse("0,1,2,3,4\n" + rows(label: 2), .init(labelColumn: "2")).0.labels == [3, 1, 0, 2])
    }

    @Test func whatCouldBeEitherIsAsked() {
        // Pixels of few values at the other end.
        let text = "1,9,2,3,4\n0,5,6,7,8\n"
        #expect(
            refusal(text) == "t: expected one column that can be the label · received 2: column 1; column 5 · "
                + "data.labelColumn (datasets convert: --label COLUMN) names it")
        #expect(refusal("label,class,a,b,c\n0,1,2,3,4\n").contains("received 2: label, column 1; class, column 2"))
        // Nothing that could be one.
        #expect(refusal("101,150,250,200,201\n107,160,240,200,255\n").contains("expected a column of labels"))
        #expect(refusal("1,2,3,4\n5,6,7,8\n").hasSuffix("trainer predict reads images without labels"))
        // The remedies name what the reader has, a configuration or the options of a conversion.
        let size = "model.inputShape (datasets convert: --size WIDTHxHEIGHT)"
        #expect(refusal("label,a,b\n0,1,2\n1,2,3\n").hasSuffix("\(size) says how they are laid out"))
        #expect(refusal("1,2,3\n4,5,6\n").hasSuffix("(name, or number from 1), \(size) the layout of the pixels"))
    }

    @Test func aBorderOfPaperIsNoLabel() throws {
        // Label first; the last pixel is 0 in most rows and small in some.
        let text = (0..<40).map { "\($0 % 4),200,90,255,\($0 % 8 == 0 ? 3 : 0)\n" }.joined()
        #expect(try parse(text).0.labels == (0..<40).map { UInt8($0 % 4) })
    }

    @Test func oneWordIsNoHeaderButAFault() {
        #expect(
            refusal("x,0,0,0,0\n" + rows(label: 0))
                == "t:1:1: expected a label, a whole number in 0…255 · received x")
        #expect(
            refusal(",0,0,9,0\n" + rows(label: 0))
                == "t:1:1: expected a label, a whole number in 0…255 · received nothing")
        #expect(refusal("1,0,0,9,q\n" + rows(label: 0)).contains("t:1:5: expected a pixel"))
    }

    @Test func headersOfPandas() throws {
        let counted = try parse("0,1,2,3,4\n" + rows(label: 0)).0
        #expect(counted.labels == [3, 1, 0, 2] && counted.images == pixels)
        let indexed =
            ",label,0,1,2,3\n" + rows(label: 0).split(separator: "\n").enumerated().map { "\($0),\($1)\n" }.joined()
        let (set, notes) = try parse(indexed)
        #expect(set.labels == [3, 1, 0, 2] && set.images == pixels)
        #expect(notes.contains("t: unnamed, column 1 names the rows and is no pixel"))
        // Rows numbered without a header.
        let numbered = rows(label: 0).split(separator: "\n").enumerated().map { "\($0),\($1)\n" }.joined()
        #expect(try parse(numbered).0.labels == [3, 1, 0, 2])
    }

    @Test func numbersOfEveryForm() throws {
        #expect(try parse(rows(label: 0) { "\($0).0" }).0.images == pixels)
        let (unit, notes) = try parse(rows(label: 0) { "\(Double($0) / 255)" })
        #expect(unit.images == pixels && notes.contains("t: pixels in [0, 1] are read as 255 steps"))
        #expect(try parse("5.0,200,199,198,197\n0,9,8,7,255\n").0.labels == [5, 0])
        #expect(
            refusal("1.5,200,199,198,197\n0,9,8,7,255\n", .init(labelColumn: "1")).contains("t:1:1: expected a label"))
        for word in ["nan", "inf", "0x10", "1e999", "--1"] {
            #expect(
                refusal("label,a,b,c,d\n0,\(word),0,0,0\n1,0,0,0,0\n").contains("expected a pixel, a number"), "\(word)"
            )
        }
        #expect(
            refusal("label;a;b;c;d\n1;0,5;0,25;0,5;1\n").hasSuffix("received 0,5 · a decimal comma: write a point"))
    }

    @Test func whatStandsAroundATable() throws {
        let (set, notes) = try parse(
            "\u{FEFF}# made by me\n# label,a\n\r\nlabel,a,b,c,d\r" + rows(label: 0).replacing("\n", with: "\r"))
        #expect(set.labels == [3, 1, 0, 2] && notes == ["t: 2 comment lines passed over"])
        #expect(refusal("label,a\n\"1,2\n").contains("expected a closing quote"))
        #expect(throws: InputError.self) {
            try TableText(Array("a,b".utf16).flatMap { [UInt8($0 & 255), 0] }, path: "t")
        }
        let error = #expect(throws: InputError.self) { try TableText([0xFF, 0xFE, 0x31, 0], path: "t") }
        #expect(error?.received == "UTF-16" && error?.remedy.contains("iconv -f UTF-16 -t UTF-8") == true)
    }

    /// Read as they stand, é and è of Latin-1 would be one class.
    @Test func textThatIsNotUTF8IsRefused() throws {
        func refusal(_ bytes: [UInt8]) -> String {
            do {
                return "read: \(try ImageCSV.parse(bytes, path: "t").classNames)"
            } catch { return "\(error)" }
        }
        func table(_ end: String, _ words: [[UInt8]]) -> [UInt8] {
            Array("label,a,b,c,d\(end)".utf8) + words.flatMap { $0 + Array(",1,2,3,4\(end)".utf8) }
        }
        for end in ["\n", "\r\n", "\r"] {
            #expect(
                refusal(table(end, [[0x65], [0xE9], [0xE8]]))
                    == "t:3: expected UTF-8 · received the byte 0xE9 · if it is Latin-1, save it as UTF-8: "
                    + "iconv -f LATIN1 -t UTF-8 FILE > NEW")
        }
        #expect(refusal(table("\n", [Array("é".utf8), Array("è".utf8)])) == "read: [\"è\", \"é\"]")
        // The same is refused as Foundation refuses.
        let words: [[UInt8]] = [
            [0xC3], [0xC3, 0x28], [0xC0, 0x80], [0xE2, 0x82], [0xE2, 0x82, 0xAC], [0xED, 0xA0, 0x80], [0x80],
            [0xF0, 0x9F, 0x98, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xC3, 0xA9, 0xA9],
        ]
        for word in words {
            let isText = String(bytes: word, encoding: .utf8) != nil
            #expect(refusal(table("\n", [[0x65], word])).hasPrefix("read") == isText, "\(word)")
        }
        // A comment before the table is not read.
        let comment: [UInt8] = [0x23, 0xE9, 0x0A]
        #expect(refusal(comment + table("\n", [[0x65], [0x66]])).hasPrefix("read"))
    }

    @Test func wordsAreClasses() throws {
        let (set, _) = try parse("dog,200,199,198,197\ncat,9,8,7,255\n\"big dog\",0,0,0,0\ncat,1,1,1,1\n")
        #expect(set.classNames == ["big dog", "cat", "dog"] && set.labels == [2, 1, 0, 1])
        #expect(refusal("label,a,b,c,d\ncat,1,2,3,4\n7,1,2,3,4\n").contains("label"))
    }

    /// Words with | between them are labels of one image; an empty field is an image without labels.
    @Test func severalLabelsAreRead() throws {
        let text = "label,a,b,c,d\ncat|dog,1,2,3,4\n,5,6,7,8\n dog ,9,9,9,9\n10|dog|cat,1,1,1,1\n"
        let (set, _) = try parse(text, .init(multiLabel: true))
        #expect(set.classNames == ["10", "cat", "dog"] && set.isMultiLabel)
        #expect(set.labelSets == [0b110, 0, 0b100, 0b111] && set.labels == [1, 0, 2, 0])
        #expect(set.subset([3, 1]).labelSets == [0b111, 0] && set.classSizes == [1, 2, 3])
        let known = try ImageCSV.parse(
            Array("label,a,b,c,d\ndog|bird,1,2,3,4\ncat,1,2,3,4\n".utf8), path: "t", .init(multiLabel: true))
        #expect(known.classNames == ["bird", "cat", "dog"])
        let many = (0..<65).map { "w\($0)" }.joined(separator: "|")
        #expect(
            refusal("label,a,b,c,d\n\(many),1,2,3,4\nw1,1,2,3,4\n", .init(multiLabel: true)).contains(
                "at most 64 classes"))
    }

    @Test func weightsAreRead() throws {
        let text = "label,weight,a,b,c,d\n3,0.5,1,2,3,4\n1,0,5,6,7,8\n2,12,9,9,9,9\n"
        let (set, _) = try parse(text, .init(weightColumn: "weight"))
        #expect(set.weights == [0.5, 0, 12] && set.width == 2 && set.labels == [3, 1, 2])
        #expect(try parse(text.replacing("weight", with: "w"), .init(weightColumn: "2")).0.weights == set.weights)
        for (wrong, place) in [("-1", "t:2:2"), ("x", "t:2:2"), ("", "t:2:2"), ("1e60", "t:2:2")] {
            let message = refusal(text.replacing("0.5", with: wrong), .init(weightColumn: "weight"))
            #expect(message.hasPrefix(place) && message.contains("a weight"), "\(message)")
        }
        #expect(refusal(text, .init(weightColumn: "wait")).contains("data.weightColumn"))
        // Of weights that are all 0, nothing would be learned; one above 0 is enough, and a test needs none.
        let zeros = text.replacing(",0.5,", with: ",0,").replacing(",12,", with: ",0.0,")
        #expect(
            refusal(zeros, .init(weightColumn: "weight"))
                == "t, weight, column 2: expected a weight above 0: images of weight 0 teach nothing · received 0 in every row"
        )
        #expect(try parse(zeros, .init(weightColumn: "weight", weightsAreOptional: true)).0.weights == [0, 0, 0])
        // A table to test on may have no weights; where it has them, they are no pixels.
        let plain = "label,a,b,c,d\n3,1,2,3,4\n1,5,6,7,8\n"
        #expect(try parse(plain, .init(weightColumn: "weight", weightsAreOptional: true)).0.weights == nil)
        #expect(try parse(text, .init(weightColumn: "weight", weightsAreOptional: true)).0.images == set.images)
    }

    @Test func packedTablesAreRead() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(try Gzip.compress(Array(rows(label: 4).utf8)), "t.csv.gz")
        #expect(try ImageCSV.read(path).labels == [3, 1, 0, 2])
    }

    /// Pixels are at the places that their names say: sorted as text, by row and column, by x and y.
    @Test func pixelsAreWhereTheirNamesSay() throws {
        func check(_ name: (Int, Int) -> String) throws {
            let places = (0..<16).map { (name: name($0 / 4, $0 % 4), level: 10 + $0) }.sorted { $0.name < $1.name }
            let header = "label," + places.map(\.name).joined(separator: ",")
            let row = places.map { "\($0.level)" }.joined(separator: ",")
            let (set, notes) = try parse("\(header)\n0,\(row)\n1,\(row)\n")
            #expect(Array(set.images.prefix(16)) == (10..<26).map(UInt8.init), "\(header)")
            #expect(notes.contains { $0.contains("order of their names") }, "\(header)")
        }
        try check { "pixel\(4 * $0 + $1)" }
        try check { "\(4 * $0 + $1)" }
        try check { "\(8 + $0)x\(8 + $1)" }
        try check { "x\($1)_y\($0)" }
        try check { "r\(8 + $0)c\(8 + $1)" }
        try check { "pixel_x\($1)_y\($0)" }
        // Names that are no places, or of which is unknown which counts rows, leave the order as it is.
        for header in ["w0_h0,w0_h1,w1_h1,w1_h0", "b1,a1,c1,d1", "p9,p9,p1,p2", "1x1,1x2,2x1,3x3"] {
            #expect(try parse("label,\(header)\n" + rows(label: 0)).0.images == pixels, "\(header)")
        }
    }

    /// pandas takes the first image of a table without a header for names, and numbers those that repeat.
    @Test func anImageThatWasTakenForNamesIsNoImage() throws {
        let image = "7,0," + (1..<16).map { "0.\($0)" }.joined(separator: ",")
        let row = String(repeating: ",9", count: 16)
        for header in [image, "label," + image.dropFirst(2)] {
            let (set, notes) = try parse("\(header)\n0\(row)\n1\(row)\n")
            #expect(set.labels == [0, 1] && set.images == [UInt8](repeating: 9, count: 32))
            #expect(notes.contains { $0.contains("taken for names") })
        }
        #expect(
            try parse((1...17).map(String.init).joined(separator: ",") + "\n0\(row)\n1\(row)\n").0.labels == [0, 1])
    }

    /// A table without a header whose first image has no two equal pixels keeps it.
    @Test func aFirstImageOfDifferentNumbersIsAnImage() throws {
        let row = (0..<16).map { ",\(Double($0 * 7 % 17) / 17)" }.joined()
        let (set, _) = try parse(["cat", "dog", "cat", "dog"].map { "\($0)\(row)\n" }.joined())
        #expect(set.count == 4 && set.classNames == ["cat", "dog"])
    }

    /// Signs are classes, not comments; names that repeat are names.
    @Test func rowsThatBeginWithASignAreImages() throws {
        for sign in ["%", "\"#\"", "//"] {
            let text = [sign, sign, "a", "a"].map { "\($0),9,2,9,4\n" }.joined()
            #expect(try parse(text).0.count == 4, "\(sign)")
        }
        let header = "label,pixel," + (1..<16).map { "pixel.\($0)" }.joined(separator: ",")
        let row = String(repeating: ",9", count: 16)
        #expect(try !parse("\(header)\n0\(row)\n1\(row)\n").notes.contains { $0.contains("taken for names") })
    }

    /// In a table sorted by class, the first thousand rows have one label.
    @Test func theLabelOfASortedTableIsFound() throws {
        let text = (0..<2400).map { "\($0 / 1200),\($0 % 7),0,0,\($0 % 17)\n" }.joined()
        let (set, _) = try parse(text)
        #expect(set.labels.filter { $0 == 1 }.count == 1200 && set.classCount == 2)
    }

    @Test func separatorsAtLineEndsMakeNoColumn() throws {
        let text = rows(label: 0).replacing("\n", with: ",\n")
        for header in ["", "label,a,b,c,d,\n", "label,a,b,c,d,Unnamed: 5\n"] {
            let (set, _) = try parse(header + text)
            #expect(set.labels == [3, 1, 0, 2] && set.images == pixels, "\(header)")
        }
        let late = String(repeating: text, count: 300) + "1,2,3,4,5,6\n"
        #expect(refusal(late) == "t:1201:6: expected nothing, as in the rows before · received 6")
    }

    @Test func whatExcelWritesBeforeATable() throws {
        for start in ["sep=;\n", "\"sep=;\"\r\n", "% made\n", "// made, by me\n", " # made\n", "\"# made\"\n"] {
            #expect(try parse(start + rows(label: 0, separator: ";")).0.labels == [3, 1, 0, 2], "\(start)")
        }
        #expect(try parse(rows(label: 0, separator: "|")).0.labels == [3, 1, 0, 2])
        for (start, name) in [("PK\u{3}\u{4}", "zip"), ("PAR1", "Parquet"), ("BZh91AY", "bzip2")] {
            let error = #expect(throws: InputError.self) { try TableText(Array(start.utf8), path: "t") }
            #expect(error?.received.contains(name) == true)
        }
    }

    /// Labels that are not looked at may be anything.
    @Test func labelsThatAreNotReadMayBeEmpty() throws {
        let folder = try TemporaryFolder()
        for label in ["", "?", "300"] {
            let path = try folder.write(Array("label,a,b,c,d\n\(label),1,2,3,4\n1,5,6,7,8\n".utf8), "t.csv")
            #expect(try ImageCSV.readUnlabelled(path).pixels == [1, 2, 3, 4, 5, 6, 7, 8])
        }
    }

    @Test func tablesWithoutLabelsAreRead() throws {
        let folder = try TemporaryFolder()
        func read(_ text: String, _ options: ImageCSV.Options = .init()) throws -> ImageCSV.Unlabelled {
            try ImageCSV.readUnlabelled(try folder.write(Array(text.utf8), "t.csv"), options)
        }
        let plain = try read("p0,p1,p2,p3\n1,2,3,4\n5,6,7,8\n")
        #expect(plain.pixels == [1, 2, 3, 4, 5, 6, 7, 8] && plain.names == ["1", "2"] && plain.width == 2)
        let named = try read("id,p0,p1,p2,p3\nx7,1,2,3,4\nx9,5,6,7,8\n")
        #expect(named.pixels == plain.pixels && named.names == ["x7", "x9"])
        let chosen = try read("p0,p1,p2,p3,no\n1,2,3,4,70\n5,6,7,8,71\n", .init(indexColumn: "no"))
        #expect(chosen.pixels == plain.pixels && chosen.names == ["70", "71"])
        let labelled = try read("label,p0,p1,p2,p3\n0,1,2,3,4\n1,5,6,7,8\n")
        #expect(
            labelled.pixels == plain.pixels && labelled.notes.contains("its labels (label, column 1) are not looked at")
        )
    }
}
