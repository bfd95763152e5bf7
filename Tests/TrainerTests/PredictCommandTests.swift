import Foundation
import Numeral
import Pictures
import Recognition
import Runs
import Testing

/// `trainer predict` and `trainer datasets convert`, as a user runs them.
@Suite(.serialized) struct PredictCommandTests {
    private static func withFolder(_ body: (URL) throws -> Void) throws {
        let folder = try CommandLineTests.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder)
    }

    private static func sampleDigits() throws -> ImageSet {
        var options = DataOptions()
        options.source = .sample
        return try DatasetLoader.load(options, seed: 0).loadTest().images
    }

    /// Digit `index` of the sample, enlarged, dark on light.
    private static func write(_ set: ImageSet, _ index: Int, to file: URL) throws {
        let zoom = 4, side = 28 * zoom
        var pixels: [UInt8] = []
        for y in 0..<side {
            for x in 0..<side {
                let ink = Int(set.images[784 * index + y / zoom * 28 + x / zoom])
                pixels.append(UInt8(230 - 200 * ink / 255))
            }
        }
        try PNG(width: side, height: side, colour: .grey, pixels: pixels).encoded().write(to: file)
    }

    @Test func picturesAreReadAndBrokenOnesReported() throws {
        try Self.withFolder { folder in
            let set = try Self.sampleDigits()
            for index in 0..<3 { try Self.write(set, index, to: folder.appendingPathComponent("\(index).png")) }
            try Data("no picture".utf8).write(to: folder.appendingPathComponent("bad.png"))
            let text = try CommandLineTests.trainer(["predict", "0.png", "bad.png", "1.png", "none.png"], in: folder)
            #expect(text.code == 2)
            let lines = text.output.split(separator: "\n").map { $0.split(separator: " ").prefix(2).map(String.init) }
            #expect(lines.dropFirst() == [["0.png", "\(set.labels[0])"], ["1.png", "\(set.labels[1])"]])
            let errors = text.errors.split(separator: "\n")
            #expect(errors.count == 2 && errors[0].hasPrefix("trainer: bad.png: expected a picture"))
            #expect(errors.count == 2 && errors[1].hasPrefix("trainer: none.png: expected a file"))

            let csv = try CommandLineTests.trainer(["predict", "--csv", "0.png", "bad.png", "2.png"], in: folder)
            let rows = csv.output.split(separator: "\n").map {
                $0.split(separator: ",", omittingEmptySubsequences: false)
            }
            #expect(csv.code == 2 && rows.count == 4 && rows.allSatisfy { $0.count == 22 })
            #expect(rows[0][7] == "class" && rows[3][0] == "2.png" && rows[3][7] == "\(set.labels[2])")
            // A picture that cannot be read has a row of its own.
            #expect(rows[2][0] == "bad.png" && rows[2].dropFirst().allSatisfy(\.isEmpty))

            let json = try CommandLineTests.trainer(
                ["predict", "--json", "--segment", "--reject", "1", "0.png", "bad.png"], in: folder)
            let object = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any]
            let files = object?["files"] as? [[String: Any]]
            #expect(json.code == 2 && files?.count == 2 && files?[1]["error"] is String)
            #expect(object?["temperature"] is Double && files?[0]["text"] as? [String] == ["?"])
        }
    }

    /// What is no digit is said to be unknown, unless nobody wants to know.
    @Test func strangersAreUnknown() throws {
        let folder = try CommandLineTests.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        // A chequerboard of four pixels a field.
        let pixels = (0..<784).map { (i: Int) -> UInt8 in (i % 28 / 4 + i / 112).isMultiple(of: 2) ? 0 : 255 }
        try Data(Array("P5 28 28 255\n".utf8) + pixels).write(to: folder.appendingPathComponent("board.pgm"))
        let said = try CommandLineTests.trainer(["predict", "--raw", "board.pgm"], in: folder)
        #expect(said.code == 0, "\(said.errors)")
        let words = said.output.split(separator: "\n").last?.split(separator: " ").prefix(3)
        #expect(words == ["board.pgm", "?", "unknown"])
        let json = try CommandLineTests.trainer(["predict", "--raw", "--json", "board.pgm"], in: folder)
        #expect(json.output.contains("\"unknown\": true"))
        let never = try CommandLineTests.trainer(["predict", "--raw", "--known", "1", "board.pgm"], in: folder)
        #expect(!never.output.contains("unknown") && !never.output.contains("?"))
        let wrong = try CommandLineTests.trainer(["predict", "--known", "0.2", "board.pgm"], in: folder)
        #expect(wrong.code == 2 && wrong.errors.contains("--known"))
    }

    @Test func explanationsAreWritten() throws {
        try Self.withFolder { folder in
            let set = try Self.sampleDigits()
            for index in 0..<2 { try Self.write(set, index, to: folder.appendingPathComponent("\(index).png")) }
            let one = try CommandLineTests.trainer(["predict", "--explain", "why.png", "0.png"], in: folder)
            #expect(one.code == 0 && one.errors.contains("why.png"), "\(one.errors)")
            let both = try CommandLineTests.trainer(
                ["predict", "--explain", "why", "0.png", "1.png", "-q"], in: folder)
            #expect(both.code == 0 && both.errors.isEmpty)
            for file in ["why.png", "why/0.explained.png", "why/1.explained.png"] {
                #expect(try ImageDecoder.read(folder.appendingPathComponent(file).path).width > 200)
            }
        }
    }

    @Test func impossibleOptionsAreRefused() throws {
        try Self.withFolder { folder in
            for (arguments, message) in [
                (["--json", "--csv", "a"], "--csv"), (["--raw", "--segment", "a"], "--segment"),
                (["--reject", "0", "a"], "--reject"), (["--reject", "1.5", "a"], "--reject"),
                (["--header", "id,label", "--known", "0.9", "t.csv"], "--known"),
                (["--header", "id,label", "--reject", "0.9", "t.csv"], "--reject"),
                (["--explain", "x.png", "a", "b"], "--explain"), ([], "<images>"),
                (["--model", "nowhere", "a"], "nowhere"),
            ] {
                let outcome = try CommandLineTests.trainer(["predict"] + arguments, in: folder)
                #expect(outcome.code == 2 && outcome.output.isEmpty, "\(arguments)")
                #expect(
                    outcome.errors.contains(message) && !outcome.errors.contains("can be read"), "\(outcome.errors)")
            }
        }
    }

    /// A folder of pictures becomes a data set, a network trains on it, and predict reads with that network.
    @Test func aFolderOfPicturesTrains() throws {
        try Self.withFolder { folder in
            let set = try Self.sampleDigits()
            for index in 0..<300 where set.labels[index] < 2 {
                let place = folder.appendingPathComponent("pictures/\(set.labels[index] == 0 ? "zero" : "one")")
                try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
                try Self.write(set, index, to: place.appendingPathComponent("\(index).png"))
            }
            let converted = try CommandLineTests.trainer(
                ["datasets", "convert", "pictures", "data", "--prepare", "--size", "14x14", "--test-fraction", "0.2"],
                in: folder)
            #expect(converted.code == 0 && converted.errors.contains("2 classes"), "\(converted.errors)")
            let config = """
                {"name": "two", "seed": 1, \(converted.output),
                 "model": {"inputShape": [14, 14, 1], "layers": [{"type": "flatten"}, {"type": "dense", "units": 2}]},
                 "training": {"epochs": 20, "batchSize": 8, "optimizer": {"type": "adam", "learningRate": 0.01}}}
                """
            try Data(config.utf8).write(to: folder.appendingPathComponent("two.json"))
            let trained = try CommandLineTests.trainer(["--config", "two.json", "--quiet"], in: folder)
            #expect(trained.code == 0, "\(trained.errors)")
            let runs = folder.appendingPathComponent("runs")
            let run = "runs/" + (try FileManager.default.contentsOfDirectory(atPath: runs.path)[0])
            let model = try SavedModel.load(path: folder.appendingPathComponent(run).path)
            let metrics = try JSONDecoder().decode(
                MetricsRecord.self, from: Data(contentsOf: folder.appendingPathComponent(run + "/metrics.json")))
            #expect(model.temperature != nil && metrics.temperature == model.temperature)
            let read = try CommandLineTests.trainer(
                [
                    "predict", "--model", run, "--csv", "pictures/zero/\(Self.first(set, 0)).png",
                    "pictures/one/\(Self.first(set, 1)).png",
                ], in: folder)
            let classes = read.output.split(separator: "\n").dropFirst().map { $0.split(separator: ",")[7] }
            #expect(read.code == 0 && classes == ["zero", "one"], "\(read.output)")
            // Data of one's own are no data set with a name.
            let evaluate = ["evaluate", "--model", run, "--data", "pictures", "--output", "evaluations"]
            let evaluated = try CommandLineTests.trainer(evaluate, in: folder)
            #expect(evaluated.code == 0 || evaluated.errors.contains("has learned"), "\(evaluated.errors)")
            let named = try CommandLineTests.trainer(evaluate + ["--dataset", "kmnist"], in: folder)
            #expect(named.code == 2 && named.errors.contains("--dataset: expected nothing"), "\(named.errors)")
        }
    }

    /// IDX files are taken as they are, but for what can be done to them.
    @Test func optionsOfIDXFilesAreObeyedOrRefused() throws {
        try Self.withFolder { folder in
            func convert(_ arguments: [String]) throws -> CommandLineTests.Outcome {
                try CommandLineTests.trainer(["datasets", "convert"] + arguments, in: folder)
            }
            try Data("label,a,b,c,d\n0,1,2,3,4\n1,2,3,4,5\n0,6,7,8,9\n1,0,0,0,255\n".utf8).write(
                to: folder.appendingPathComponent("t.csv"))
            #expect(try convert(["t.csv", "idx", "--test-fraction", "0.5"]).code == 0)
            #expect(try convert(["idx", "back", "--to", "csv", "--invert"]).code == 0)
            let rows = try ["train.csv", "test.csv"].map {
                try String(contentsOf: folder.appendingPathComponent("back/\($0)"), encoding: .utf8)
            }.joined()
            #expect(rows.contains("254,253,252,251") || rows.contains("249,248,247,246"), "\(rows)")
            let images = "idx/train-images-idx3-ubyte", labels = "idx/train-labels-idx1-ubyte"
            for (source, option) in [
                ("idx", ["--size", "14x14"]), ("idx", ["--prepare"]), ("idx", ["--colour"]), ("idx", ["--gzip"]),
                ("idx", ["--test-fraction", "0.3"]), (images, ["--labels", labels, "--label", "1"]),
                (images, ["--labels", labels, "--test", "t.csv"]),
            ] {
                let outcome = try convert([source, "no"] + option)
                #expect(
                    outcome.code == 2
                        && outcome.errors.contains(option.first { $0 != "--labels" && $0 != labels } ?? ""))
            }
        }
    }

    private static func first(_ set: ImageSet, _ label: UInt8) -> Int { set.labels.firstIndex(of: label) ?? 0 }

    @Test func tablesAreRefusedByTheirRows() throws {
        try Self.withFolder { folder in
            try Data("label,a,b,c,d\n0,1,2,3,4\n1,2,3,x,5\n1,2\n".utf8).write(
                to: folder.appendingPathComponent("t.csv"))
            let refused = try CommandLineTests.trainer(["datasets", "convert", "t.csv", "out"], in: folder)
            #expect(refused.code == 2)
            #expect(
                refused.errors == """
                    trainer: t.csv:3:4: expected a pixel, a number in 0…255 · received x
                    trainer: t.csv:4:2: expected 5 fields, as the first row has · received 2

                    """)
            #expect(!FileManager.default.fileExists(atPath: folder.appendingPathComponent("out").path))
        }
    }
}
