import Datasets
import Formats
import Foundation
import Tensors
import Testing
import Training

@testable import Runs

@Suite struct RobustnessRecordTests {
    /// Two corruptions, the second at uneven strengths.
    static func record(_ shift: Int = 0) -> RobustnessRecord {
        RobustnessRecord(
            Robustness(
                count: 200, clean: 190,
                curves: [
                    .init(
                        kind: .rotation,
                        levels: [.init(strength: 10, correct: 170 - shift), .init(strength: 20, correct: 100)]),
                    .init(
                        kind: .contrast,
                        levels: [.init(strength: 0.5, correct: 180), .init(strength: 0.6, correct: 20)]),
                ]), dataset: "mnist", dataSource: .sample)
    }

    /// By hand: (190/2 + 170 + 100/2)/2/200, and (0.5·(190 + 180)/2 + 0.1·(180 + 20)/2)/0.6/200.
    @Test func areasAreMeansByTrapezoids() {
        let record = Self.record()
        #expect(abs(record.curves[0].area - 0.7875) < 1e-12)
        #expect(abs(record.curves[1].area - (92.5 + 10) / 120) < 1e-12)
        #expect(abs(record.meanArea - (0.7875 + 102.5 / 120) / 2) < 1e-12)
        #expect(record.curves[0].levels.map(\.strength) == [0, 10, 20])
    }

    /// Kinds of MNIST-C have a mean of their own, and leave that of the graded ones as it is; a file of before has none.
    @Test func familiesHaveTheirOwnMeans() throws {
        var robustness = Robustness(count: 100, clean: 100, curves: [])
        for (kind, correct) in [(CorruptionKind.noise, 60), (.fog, 20), (.stripe, 40)] {
            robustness.curves.append(.init(kind: kind, levels: [.init(strength: 1, correct: correct)]))
        }
        var record = RobustnessRecord(robustness, dataset: "mnist", dataSource: .sample)
        #expect(abs(record.meanArea - 0.8) < 1e-12)
        #expect(abs((record.mnistCMeanArea ?? 0) - 0.65) < 1e-12)
        #expect(record.text.contains("MNIST-C") && record.text.contains("65.00"))
        try Samples.withFolder { folder in
            let url = folder.appendingPathComponent("robustness.json")
            try RunFolder(folder).write(robustness: record)
            #expect(try RobustnessRecord.load(url) == record)
            for index in record.curves.indices { record.curves[index].family = nil }
            record.mnistCMeanArea = nil
            try AtomicFile.write(JSONText.encode(record, named: "robustness.json"), to: url)
            let before = try RobustnessRecord.load(url)
            #expect(abs(before.meanArea - (0.8 + 0.6 + 0.7) / 3) < 1e-12 && before.mnistCMeanArea == nil)
            #expect(!before.text.contains("MNIST-C"))
        }
    }

    @Test func writtenAndReadBack() throws {
        try Samples.withFolder { folder in
            try RunFolder(folder).write(robustness: Self.record())
            #expect(try RobustnessRecord.load(folder.appendingPathComponent("robustness.json")) == Self.record())
            let rows = parseCSV(
                try String(contentsOf: folder.appendingPathComponent("robustness.csv"), encoding: .utf8))
            #expect(rows.count == 7 && rows[2][0...4] == ["rotation", "10.0", "200", "170", "0.85"])
            try wellFormed(Data(contentsOf: folder.appendingPathComponent("robustness.svg")))
        }
    }

    @Test func theTableFits() {
        let lines = Self.record().text.split(separator: "\n")
        #expect(lines.allSatisfy { $0.count <= 80 })
        #expect(lines[2].split(separator: " ") == ["95.00", "85.00", "50.00", "78.75"])
    }

    @Test(arguments: [
        ("\"numeral-robustness-1\"", "\"other\"", "format"), ("\"correct\" : 170", "\"correct\" : 201", "0 to 200"),
        ("\"correct\" : 170", "\"correct\" : -1", "0 to 200"), ("\"strength\" : 20", "\"strength\" : 5", "rise from 0"),
        ("\"strength\" : 20", "\"strength\" : 1e300", "0 to 200"), ("\"count\" : 200", "\"count\" : 0", "images"),
        ("\"count\" : 200", "\"count\" : \"many\"", "count"), ("\"curves\"", "\"curve\"", "curves"),
        ("{", "", "not JSON"),
    ])
    func damageIsRefused(from: String, to: String, says: String) throws {
        try Samples.withFolder { folder in
            let url = folder.appendingPathComponent("robustness.json")
            let text = String(
                decoding: try JSONText.encode(Self.record(), named: "robustness.json"), as: UTF8.self)
            let range = try #require(text.range(of: from))
            try AtomicFile.write(text.replacingCharacters(in: range, with: to), to: url)
            let error = #expect(throws: InputError.self) { try RobustnessRecord.load(url) }
            #expect(error?.description.contains("robustness.json") == true)
            #expect(error?.description.contains(says) == true, "\(error?.description ?? "")")
        }
    }
}
