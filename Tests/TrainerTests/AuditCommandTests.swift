import Datasets
import Foundation
import Numeral
import Testing

/// `trainer audit`, as a user runs it.
@Suite(.serialized) struct AuditCommandTests {
    /// The bundled sample's first images as IDX files: five labels wrong, one training image among the tests too, moved by a pixel.
    private static func makeData(in folder: URL) throws -> (train: ImageSet, wrong: [Int]) {
        var options = DataOptions()
        options.source = .sample
        let loaded = try DatasetLoader.load(options, seed: 0)
        let train = loaded.train.subset(0..<400), test = try loaded.loadTest().images.subset(0..<60)
        let wrong = [11, 77, 158, 240, 333]
        var labels = train.labels
        for index in wrong { labels[index] = (labels[index] + 5) % 10 }
        let noisy = train.relabelled(labels)
        let image = Array(train.images[(20 * 784)..<(21 * 784)])
        let moved = (0..<784).map { $0 % 28 == 0 ? 0 : image[$0 - 1] }
        let copy = try ImageSet(
            images: moved, labels: [train.labels[20]], height: 28, width: 28, classCount: 10,
            classNames: train.classNames)
        _ = try ConversionFiles.writeIDX(
            ConvertedData(train: noisy, test: test.joined(with: copy)), to: folder.appendingPathComponent("data").path,
            gzip: false)
        return (noisy, wrong)
    }

    private static func table(_ name: String, in folder: URL) throws -> [[String]] {
        try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8).split(separator: "\n")
            .map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
    }

    private static func audit(in folder: URL) throws -> URL {
        let runs = folder.appendingPathComponent("runs")
        let name = try #require(
            try FileManager.default.contentsOfDirectory(atPath: runs.path).first { $0.contains("audit") })
        return runs.appendingPathComponent(name)
    }

    /// The models below the folder of runs, and when each was written.
    private static func models(in folder: URL) throws -> [String: Date] {
        let runs = folder.appendingPathComponent("runs")
        var dates: [String: Date] = [:]
        for path in try FileManager.default.subpathsOfDirectory(atPath: runs.path)
        where path.hasSuffix("model.safetensors") {
            dates[path] =
                try FileManager.default.attributesOfItem(atPath: runs.appendingPathComponent(path).path)[
                    .modificationDate] as? Date
        }
        return dates
    }

    @Test func findsWhatWasPlanted() throws {
        let folder = try CommandLineTests.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let (train, wrong) = try Self.makeData(in: folder)
        let source = try Data(contentsOf: folder.appendingPathComponent("data/train-labels-idx1-ubyte"))
        // The network in the box says that it has learned the sample.
        let learned = try CommandLineTests.trainer(["audit", "--model", "box", "--data", "data"], in: folder)
        #expect(learned.code == 2 && learned.errors.contains("box, which has learned"), "\(learned.errors)")
        let outcome = try CommandLineTests.trainer(
            ["audit", "--model", "box", "--unseen", "--data", "data", "--prune", "predicted", "--apply", "clean"],
            in: folder)
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(outcome.output.contains("labels that look wrong"))
        let audit = try Self.audit(in: folder)
        let labels = try Self.table("labels.csv", in: audit)
        #expect(labels[0].prefix(4) == ["part", "index", "label", "suggestion"])
        #expect(Set(labels[1...5].map { "\($0[0]) \($0[1])" }) == Set(wrong.map { "train \($0)" }))
        let duplicates = try Self.table("duplicates.csv", in: audit)
        #expect(duplicates.dropFirst().map { "\($0[2]) \($0[3]) \($0[7])" } == ["train 20 1", "test 60 1"])
        let page = try String(contentsOf: audit.appendingPathComponent("audit.html"), encoding: .utf8)
        #expect(page.contains("box has learned"))
        for word in ["Labels that look wrong", "One picture twice", "Strangers", "Where it reads worse", "against"] {
            #expect(page.contains(word), "\(word)")
        }
        // The corrected copy trains; the source is as it was.
        let clean = try #require(try ConversionFiles.readIDX(folder.appendingPathComponent("clean").path))
        let actions = labels.dropFirst().map { $0[8] }
        #expect(actions.filter { $0 == "relabel" }.count >= 4)
        let removed = labels.dropFirst().filter { $0[8] == "remove" }.compactMap { Int($0[1]) }
        let kept = (0..<400).filter { !removed.contains($0) }
        #expect(clean.train.count == kept.count)
        for row in labels.dropFirst() where row[8] == "relabel" {
            let index = try #require(Int(row[1]))
            let place = try #require(kept.firstIndex(of: index))
            #expect("\(clean.train.labels[place])" == row[3])
        }
        #expect(clean.test?.count == 61)
        #expect(try Data(contentsOf: folder.appendingPathComponent("data/train-labels-idx1-ubyte")) == source)

        // What a person decides is done, and nothing else.
        let mine = folder.appendingPathComponent("mine.csv")
        let name = { (label: UInt8) in "\(label)" }
        try Data(
            """
            part,index,label,suggestion,action
            train,11,\(name(train.labels[11])),3,relabel
            train,77,\(name(train.labels[77])),3,remove
            train,158,\(name(train.labels[158])),3,keep

            """.utf8
        ).write(to: mine)
        let applied = try CommandLineTests.trainer(
            ["audit", "--model", "box", "--data", "data", "--corrections", "mine.csv", "--apply", "own"], in: folder)
        #expect(applied.code == 0, "\(applied.errors)")
        let own = try #require(try ConversionFiles.readIDX(folder.appendingPathComponent("own").path))
        #expect(own.train.count == 399)
        #expect(own.train.labels[11] == 3)
        #expect(own.train.labels[157] == train.labels[158])
        #expect(applied.output.contains("\"testImages\""))

        // The findings are of these images, not of others with the same labels.
        let others = folder.appendingPathComponent("others").path
        _ = try ConversionFiles.writeIDX(ConvertedData(train: train.inverted), to: others, gzip: false)
        let findings = labels.filter { $0[0] != "test" }.map { $0.joined(separator: ",") + "\n" }.joined()
        try Data(findings.utf8).write(to: folder.appendingPathComponent("findings.csv"))
        let refused = try CommandLineTests.trainer(
            ["audit", "--model", "box", "--data", "others", "--corrections", "findings.csv", "--apply", "none"],
            in: folder)
        #expect(refused.code == 2 && refused.errors.contains("findings.csv:"), "\(refused.errors)")
        #expect(refused.errors.contains("expected an image of train with the digest"), "\(refused.errors)")
        #expect(!FileManager.default.fileExists(atPath: folder.appendingPathComponent("none").path))

        // Without a test half, what is printed can be used: no files of a configuration, which would need one.
        let half = try CommandLineTests.trainer(
            ["audit", "--model", "box", "--data", "others", "--corrections", "mine.csv", "--apply", "half"], in: folder)
        #expect(half.code == 0, "\(half.errors)")
        #expect(half.output.hasSuffix("to train on it: --data half\n"), "\(half.output)")
        var options = DataOptions()
        options.directory = folder.appendingPathComponent("half").path
        #expect(try DatasetLoader.load(options, seed: 0).loadTest().images.count > 0)
    }

    /// A network of lines is given a detector, and nothing else of it changes.
    @Test func linesTakeADetector() throws {
        let folder = try CommandLineTests.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        _ = try Self.makeData(in: folder)
        let outcome = try CommandLineTests.trainer(
            ["audit", "--model", "box-lines", "--data", "data", "--save", "lines.safetensors"], in: folder)
        #expect(outcome.code == 0 && outcome.output.contains("detector of strangers"), "\(outcome.errors)")
        let (box, saved) = (
            try SavedModel.load(path: "box-lines"),
            try SavedModel.load(path: folder.appendingPathComponent("lines.safetensors").path)
        )
        #expect(saved.parameters.array == box.parameters.array && saved.temperature == box.temperature)
        let (own, other) = (try #require(box.strangers), try #require(saved.strangers))
        #expect(own != other && own.featureCount == other.featureCount && own.classCount == 11)
    }

    @Test func correctionsOfOtherDataAreRefused() throws {
        let folder = try CommandLineTests.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let (train, _) = try Self.makeData(in: folder)
        let other = (Int(train.labels[0]) + 1) % 10
        let bad = [
            "part,index,label,suggestion,action\ntrain,0,\(other),3,relabel\n",
            "part,index,label,suggestion,action\ntrain,400,1,3,relabel\n",
            "part,index,label,suggestion,action\ntrain,0,\(train.labels[0]),3,mend\n",
            "part,index,label,suggestion,action\ntrain,0,\(train.labels[0]),cat,relabel\n",
            "part,index,label,suggestion,action\nextra,0,\(train.labels[0]),3,relabel\n", "part,index\n", "",
        ]
        for text in bad {
            try Data(text.utf8).write(to: folder.appendingPathComponent("bad.csv"))
            let outcome = try CommandLineTests.trainer(
                ["audit", "--model", "box", "--data", "data", "--corrections", "bad.csv", "--apply", "out"], in: folder)
            #expect(outcome.code == 2 && outcome.errors.contains("bad.csv"), "\(text): \(outcome.errors)")
            #expect(!FileManager.default.fileExists(atPath: folder.appendingPathComponent("out").path))
        }
    }

    @Test func judgesATable() throws {
        let folder = try CommandLineTests.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let rows = (0..<20).map { i in i == 7 ? "1,0.97,0.03" : i % 2 == 0 ? "0,0.9,0.1" : "1,0.2,0.8" }
        try Data((["label,p0,p1"] + rows).joined(separator: "\n").utf8).write(
            to: folder.appendingPathComponent("p.csv"))
        let outcome = try CommandLineTests.trainer(["audit", "--predictions", "p.csv"], in: folder)
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(outcome.output.hasPrefix("1 of 20 labels look wrong"))
        let audit = try Self.audit(in: folder)
        #expect(try Self.table("labels.csv", in: audit)[1].prefix(3) == ["7", "1", "0"])
        #expect(try Self.table("scores.csv", in: audit).count == 21)
    }

    /// Three parts, each image judged by the network that did not learn from it.
    @Test func trainsItsJudges() throws {
        try SmallRun.with(epochs: 2) { small in
            let arguments = ["audit", "--config", "small.json", "--folds", "3", "--output", "runs", "--quiet"]
            let first = try small.trainer(arguments + ["--threads", "2"])
            #expect(first.code == 0, "\(first.errors)")
            let audit = try Self.audit(in: small.folder)
            let bytes = try Data(contentsOf: audit.appendingPathComponent("audit.json"))
            #expect(String(decoding: bytes, as: UTF8.self).contains("\"train\": 300"))
            try FileManager.default.removeItem(at: audit)
            // The parts are there: nothing is trained, and the same comes of it.
            let written = try Self.models(in: small.folder)
            #expect(written.count == 3)
            let second = try small.trainer(arguments + ["--threads", "1"])
            #expect(second.code == 0, "\(second.errors)")
            #expect(try Self.models(in: small.folder) == written)
            #expect(try Data(contentsOf: Self.audit(in: small.folder).appendingPathComponent("audit.json")) == bytes)
        }
    }

    @Test(arguments: [
        ([], "--config"), (["--config", "a", "--model", "box"], "several"),
        (["--predictions", "p.csv", "--data", "d"], "--data"), (["--model", "box", "--folds", "3"], "--folds"),
        (["--config", "a", "--unseen"], "--unseen"), (["--model", "box", "--corrections", "c.csv"], "--apply"),
        (["--config", "a", "--folds", "1"], "2…100"),
        (["--model", "box", "--corrections", "c.csv", "--apply", "o", "--save", "m"], "--save"),
        (["--config", "a", "--corrections", "c.csv", "--apply", "o", "--against", "d"], "--against"),
        (["--config", "a", "--corrections", "c.csv", "--apply", "o", "--prune", "both"], "--prune"),
        (["--config", "a", "--corrections", "c.csv", "--apply", "o", "--rank", "selfConfidence"], "--rank"),
        (["--config", "a", "--corrections", "c.csv", "--apply", "o", "--output", "x"], "--output"),
    ])
    func whatDoesNotGoTogetherIsRefused(_ arguments: [String], message: String) throws {
        let folder = try CommandLineTests.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let outcome = try CommandLineTests.trainer(["audit"] + arguments, in: folder)
        #expect(outcome.code == 2 && outcome.errors.contains(message), "\(outcome.errors)")
    }
}
