import Formats
import Foundation
import LinearAlgebra
import NeuralNetwork
import Tensors
import Testing
import Training
import Workers

@testable import Reports
@testable import Runs

@Suite struct ProfileTests {
    private static let layers: [Layer] = [
        .conv2d(filters: 4, kernelSize: Size2D(3), padding: .same, useBias: false), .batchNormalization(), .relu,
        .maxPooling2d(poolSize: Size2D(2)), .dropout(rate: 0.25),
        .conv2d(filters: 4, kernelSize: Size2D(3), padding: .same), .flatten, .dense(units: 3), .softmax,
    ]

    static func record(threads: Int = 2, peak: Double = 100) throws -> ProfileRecord {
        let pool = WorkerPool(threads: threads)
        defer { pool.shutdown() }
        let graph = try ResolvedGraph(Graph(inputShape: Shape([8, 8, 1]), layers: layers))
        var options = TrainingOptions()
        options.batchSize = 10
        let measurement = try Profiler(
            graph: graph, options: options, inferenceBatchSize: 20, runs: 2, seed: 0, pool: pool
        ).measure()
        let environment = EnvironmentRecord(
            numeralVersion: "1", swiftVersion: "6", operatingSystem: "x",
            processor: .init(model: "p", cores: 2, features: []),
            blas: .init(backend: "openblas", version: nil, core: nil), threads: threads, commit: nil,
            dataDigests: [:], commandLine: ["trainer"], date: Date(timeIntervalSince1970: 0))
        return ProfileRecord(
            measurement, graph: graph, name: "<tiny> & small", peak: .init(gflops: peak, shape: "1×1×1"),
            environment: environment)
    }

    @Test(arguments: [1, 2])
    func totalsAreTheSums(_ threads: Int) throws {
        let record = try Self.record(threads: threads)
        for breakdown in [record.training, record.inference] {
            let totals = breakdown.totals
            func close(_ a: Double, _ b: Double) -> Bool { (a - b).magnitude <= 1e-9 * max(1, b.magnitude) }
            func sum(_ direction: PlanProfile.Direction) -> Double {
                breakdown.layers.filter { $0.direction == direction }.reduce(0) { $0 + $1.milliseconds }
            }
            #expect(close(totals.forward, sum(.forward)) && close(totals.backward, sum(.backward)))
            let other = breakdown.other.reduce(0) { $0 + $1.milliseconds }
            #expect(close(totals.other + totals.idle, other))
            #expect(close(totals.accounted, totals.forward + totals.backward + other))
            #expect(close(breakdown.accountedFraction, totals.accounted / totals.wall))
            let shares = breakdown.layers.reduce(0) { $0 + $1.share } + breakdown.other.reduce(0) { $0 + $1.share }
            #expect(close(shares, breakdown.accountedFraction))
            // Nothing is counted twice.
            #expect(breakdown.accountedFraction <= 1 + 1e-9 && breakdown.accountedFraction > 0)
        }
        #expect(record.inference.totals.backward == 0 && record.training.totals.backward > 0)
    }

    @Test func ratesAreWorkOverTime() throws {
        let record = try Self.record(peak: 50)
        // Multiply-adds an image: 8·8·9·4; 4·4·36·4; 64·3. The first layer has no input gradient.
        let expected: [(String, PlanProfile.Direction, Double)] = [
            ("conv2d_1", .forward, 2 * 2304), ("conv2d_1", .backward, 2 * 2304), ("conv2d_2", .forward, 2 * 2304),
            ("conv2d_2", .backward, 4 * 2304), ("dense_1", .forward, 2 * 192), ("dense_1", .backward, 4 * 192),
        ]
        for (name, direction, flops) in expected {
            let row = try #require(record.training.layers.first { $0.name == name && $0.direction == direction })
            let gflops = try #require(row.gflops)
            #expect((gflops * row.milliseconds * 1e6 / (flops * 10) - 1).magnitude < 1e-9, "\(name) \(direction)")
            #expect((try #require(row.percentOfPeak) - 2 * gflops).magnitude < 1e-9 * gflops)
        }
        #expect(record.training.layers.filter { $0.gflops != nil }.count == expected.count)
    }

    /// A layer without passes of its own says whose passes do its work, and that layer says so too.
    @Test func ridersAreNamed() throws {
        let rows = try Self.record().training.layers
        let relu = try #require(rows.first { $0.name == "relu_1" && $0.direction == .forward })
        #expect(relu.milliseconds == 0 && relu.lowering.hasPrefix("in "))
        let host = rows.first { $0.direction == .forward && relu.lowering == "in \($0.name)" }
        #expect(host?.includes.contains("relu_1") == true)
        let flatten = rows.filter { $0.type == "flatten" }
        #expect(flatten.map(\.lowering) == ["no work"])
        #expect(rows.last?.name == "loss")
    }

    @Test func jsonHasItsKeys() throws {
        let record = try Self.record()
        let data = try JSONText.encode(record, named: "profile.json")
        let json = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        for key in [
            "trainingImagesPerSecond", "inferenceImagesPerSecond", "inferenceBatch1ImagesPerSecond", "peakGflops",
            "accountedFraction", "stepMilliseconds",
        ] {
            #expect((json[key] as? Double ?? 0) > 0, "\(key)")
        }
        #expect(json["threads"] as? Int == 2 && json["batchSize"] as? Int == 10)
        #expect(json["inferenceBatchSize"] as? Int == 20)
        let blas = try #require(json["blas"] as? [String: Any])
        #expect(Set(blas.keys) == ["backend", "version", "core"])
        let layers = try #require(json["layers"] as? [[String: Any]])
        let keys: Set = [
            "name", "type", "direction", "milliseconds", "share", "gflops", "percentOfPeak", "bytes", "lowering",
            "includes", "momentsOf",
        ]
        #expect(layers.count == record.training.layers.count && layers.allSatisfy { Set($0.keys) == keys })
        #expect((json["inference"] as? [String: Any])?["layers"] is [[String: Any]])
    }

    @Test func filesAreWrittenAndNarrow() throws {
        let record = try Self.record()
        let parent = FileManager.default.temporaryDirectory.appendingPathComponent("profile-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: parent) }
        let folder = parent.appendingPathComponent("new")
        try ProfileFiles.write(record, to: folder)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
                == ["profile.csv", "profile.json", "profile.svg"])
        let picture = try wellFormed(Data(contentsOf: folder.appendingPathComponent("profile.svg")))
        #expect(picture.text.contains("<tiny> & small") && picture.text.contains("conv2d_2"))
        #expect(picture.text.contains("prefers-color-scheme:dark"))
        let csv = try String(contentsOf: folder.appendingPathComponent("profile.csv"), encoding: .utf8)
        let lines = csv.split(separator: "\n").count
        let expected = [record.training, record.inference].reduce(1) { $0 + $1.layers.count + $1.other.count }
        #expect(lines == expected)
        for line in ProfileTable.text(record).split(separator: "\n") { #expect(Text.columns(String(line)) <= 100) }
    }
}

@Suite struct GEMMComparisonTests {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Fixtures")

    static func load(_ name: String) throws -> GEMMComparison.File {
        let path = folder.appendingPathComponent("gemm-\(name).json").path
        return .init(path: path, record: try GEMMRecord.load(path: path))
    }

    @Test func rowsArePairedByShape() throws {
        let comparison = try GEMMComparison([Self.load("a"), Self.load("b")])
        #expect(comparison.rows.map(\.shape) == [GEMMShape(2, 2, 3), GEMMShape(1, 2, 3, transA: true)])
        #expect(comparison.rows.map { $0.files.map(\.gflopsOne) } == [[100, 400], [50, 25]])
        // |−4.5 + 5| over the largest, 5; the second product agrees.
        #expect(comparison.rows.map(\.largestDifference) == [0.1, 0])
        #expect(comparison.largestDifference == 0.1 && comparison.differingShape == GEMMShape(2, 2, 3))
        let text = GEMMTable.text(comparison)
        // Geometric means: √(4 · ½) and √(2 · ½).
        let means = text.split(separator: "\n").filter { $0.hasPrefix("geometric mean") }
            .map { $0.split(separator: " ").last.map(String.init) }
        #expect(means == ["1.41", "1.00"])
        #expect(text.contains("1.0e-01 (2×2×3 A·B)"))
        for line in text.split(separator: "\n") { #expect(Text.columns(String(line)) <= 100) }
        let six = try GEMMComparison(Array(repeating: Self.load("a"), count: 6))
        for line in GEMMTable.text(six).split(separator: "\n") { #expect(Text.columns(String(line)) <= 100) }
    }

    @Test(arguments: [
        (["a", "other-shapes"], "no 1×2×3 Aᵀ·B"), (["a", "other-threads"], "4"), (["a"], "1"),
        (["a", "a", "a", "a", "a", "a", "a"], "7"),
    ])
    func filesThatDoNotMatch(_ names: [String], _ received: String) throws {
        let files = try names.map { try Self.load($0) }
        let error = #expect(throws: InputError.self) { try GEMMComparison(files) }
        #expect(error?.received == received)
    }

    @Test func filesThatCannotBeRead() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("gemm-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let good = try String(contentsOf: Self.folder.appendingPathComponent("gemm-a.json"), encoding: .utf8)
        let cases = [
            ("{", "something that is not JSON"), ("{}", "no \"format\""),
            (good.replacing("\"format\": 1", with: "\"format\": 9"), "format 9"),
            (good.replacing("\"n\": 2", with: "\"n\": \"x\""), "a value of another type at \"rows[0].n\""),
            (good.replacing("\"gflopsOne\": 50", with: "\"gflopsOne\": 0"), "a rate that is not positive"),
            (good.replacing("\"k\": 3", with: "\"k\": 0"), "extents 2×2×0"),
        ]
        let file = folder.appendingPathComponent("x.json")
        for (text, received) in cases {
            try Data(text.utf8).write(to: file)
            let error = #expect(throws: InputError.self) { try GEMMRecord.load(path: file.path) }
            #expect(error?.received == received)
        }
        let missing = #expect(throws: InputError.self) { try GEMMRecord.load(path: folder.path + "/none.json") }
        #expect(missing?.received == "no such file")
        let short = #expect(throws: InputError.self) { try Self.load("short-samples") }
        #expect(short?.received == "3 samples instead of 4")
    }

    @Test func aRecordReadsBack() throws {
        let pool = WorkerPool(threads: 1)
        let shapes = [GEMMShape(3, 5, 7), GEMMShape(40, 40, 40, transB: true)]
        let rows = shapes.map {
            GEMMRecord.Row(
                GEMMBenchmark.measure($0, pool: pool, effort: .init(timings: 1, seconds: 1e-6)), uses: ["test"])
        }
        let record = GEMMRecord(
            blas: .init(backend: "openblas", version: nil, core: "x"),
            machine: .init(model: "m", cores: 1, features: []), threads: 1, rows: rows)
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("gemm-\(UUID().uuidString).json")
        defer { try? FileManager.default.removeItem(at: file) }
        try record.write(to: file)
        #expect(try GEMMRecord.load(path: file.path) == record)
        for line in GEMMTable.text(record).split(separator: "\n") { #expect(Text.columns(String(line)) <= 100) }
    }
}
