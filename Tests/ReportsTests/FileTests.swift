import Evaluation
import Formats
import Foundation
import Tensors
import Testing
import Workers

@testable import Runs
@testable import Training

@Suite struct AtomicFileTests {
    @Test func writesAndReplaces() throws {
        try Samples.withFolder { folder in
            let url = folder.appendingPathComponent("a b.txt")
            try AtomicFile.write("first, and longer", to: url)
            try AtomicFile.write("second", to: url)
            #expect(try String(contentsOf: url, encoding: .utf8) == "second")
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["a b.txt"])
        }
    }

    @Test func missingFolder() throws {
        try Samples.withFolder { folder in
            let url = folder.appendingPathComponent("missing/a.txt")
            let error = #expect(throws: OperationError.self) { try AtomicFile.write("x", to: url) }
            #expect(error?.place == "writing \(url.path)")
            #expect(error?.problem == "No such file or directory")
        }
    }

    @Test func fileInPlaceOfFolder() throws {
        try Samples.withFolder { folder in
            let file = folder.appendingPathComponent("file")
            try AtomicFile.write("x", to: file)
            let error = #expect(throws: OperationError.self) {
                try AtomicFile.write("y", to: file.appendingPathComponent("a.txt"))
            }
            #expect(error?.problem == "Not a directory")
            #expect(try String(contentsOf: file, encoding: .utf8) == "x")
        }
    }

    /// The rename is what fails here, after the temporary file was written.
    @Test func folderInPlaceOfFileLeavesNoTemporary() throws {
        try Samples.withFolder { folder in
            let occupied = folder.appendingPathComponent("a.txt")
            try FileManager.default.createDirectory(at: occupied, withIntermediateDirectories: false)
            let error = #expect(throws: OperationError.self) { try AtomicFile.write("x", to: occupied) }
            #expect(error?.problem == "Is a directory")
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["a.txt"])
        }
    }

    @Test func temporaryOfACrashedRunIsNoObstacle() throws {
        try Samples.withFolder { folder in
            let process = ProcessInfo.processInfo.processIdentifier
            let stale = folder.appendingPathComponent(".a.txt.\(process)-0.tmp")
            try Data("half".utf8).write(to: stale)
            try AtomicFile.write("whole", to: folder.appendingPathComponent("a.txt"))
            #expect(try String(contentsOf: stale, encoding: .utf8) == "half")
        }
    }
}

@Suite struct RunFolderTests {
    private let date = Date(timeIntervalSince1970: 1_700_000_000)

    @Test func namesAndCollisions() throws {
        try Samples.withFolder { parent in
            let output = parent.appendingPathComponent("runs/deep")
            let zone = try #require(TimeZone(secondsFromGMT: 3600))
            let names = try (0..<3).map { _ in
                try RunFolder.create(in: output, name: "mnist", date: date, timeZone: zone).url.lastPathComponent
            }
            #expect(
                names == ["mnist-20231114-231320", "mnist-20231114-231320-2", "mnist-20231114-231320-3"])
        }
    }

    @Test(arguments: [
        ("mnist", "mnist"), ("../../etc", "etc"), ("a/b\\c", "a-b-c"), ("…", "run"), ("", "run"), (".hidden", "hidden"),
        ("größe 1", "gr-e-1"), ("-rf", "rf"), ("a\n\0b", "a-b"), ("v1.2_x", "v1.2_x"),
    ])
    func safeNames(name: String, expected: String) { #expect(RunFolder.safeName(name) == expected) }

    @Test func longNamesAreCut() {
        #expect(RunFolder.safeName(String(repeating: "a", count: 500)).count == 64)
    }

    @Test func outputUnderAFile() throws {
        try Samples.withFolder { folder in
            let file = folder.appendingPathComponent("file")
            try AtomicFile.write("x", to: file)
            let error = #expect(throws: OperationError.self) {
                try RunFolder.create(in: file.appendingPathComponent("runs"), name: "a")
            }
            #expect(error?.problem == "Not a directory")
        }
    }

    /// Every file that has a writer appears, well formed, and nothing else does.
    ///
    /// `NUMERAL_KEEP_REPORTS=FOLDER` keeps the folders there, to look at and for `Tests/Oracles/check_metrics.py`.
    @Test(arguments: [(2, 400, 1), (10, 2000, 12), (11, 900, 0), (62, 3000, 50)])
    func everything(classes: Int, samples: Int, epochs: Int) throws {
        try Samples.withFolder { temporary in
            let kept = ProcessInfo.processInfo.environment["NUMERAL_KEEP_REPORTS"].map { URL(fileURLWithPath: $0) }
            let run = try RunFolder.create(in: kept ?? temporary, name: "classes-\(classes)", date: date)
            let strength = classes == 2 ? 2.0 : 6
            let long = ["T-shirt/top", "<b>Ankle & boot</b>", "数字"] + (3..<11).map { "Class no. \($0) of all" }
            let names = classes == long.count ? long : nil
            let plain = try Samples.evaluation(
                classes: classes, samples: samples, strength: strength, names: names)
            let pool = WorkerPool(threads: 2)
            defer { pool.shutdown() }
            let evaluation = EvaluationSummary(
                plain.predictions,
                bootstrap: BootstrapIntervals(plain.predictions, resamples: 200, seed: 1, pool: pool))
            let history = Samples.history(epochs: epochs, best: epochs == 0 ? 0 : max(1, epochs - 4))
            try run.write(history: history)
            try run.write(evaluation: evaluation)
            try run.write(pictures: Samples.pictures(evaluation, side: 14).pictures)
            try run.write(report: Samples.report(evaluation, history: history))
            try run.write(metrics: Samples.metrics(evaluation, history))
            try run.write(environment: Samples.environment)
            let found = try FileManager.default.contentsOfDirectory(atPath: run.url.path)
            let others: [RunFile] = [.config, .model, .events, .tensorBoard]
            #expect(Set(found) == Set(RunFile.ofImages.filter { !others.contains($0) }.map(\.rawValue)))
            for file in RunFile.ofImages where file.rawValue.hasSuffix(".svg") {
                #expect(throws: Never.self) { try wellFormed(Data(contentsOf: run.url(of: file))) }
            }
        }
    }
}
