import Foundation
import Numeral
import Runs
import Tensors
import Testing

/// A folder with a data set of 12×12 images in three classes and a configuration that trains on it in about a second, and
/// the real `trainer` on them.
struct SmallRun {
    let folder: URL
    let epochs: Int

    /// Runs `body` with a fresh folder, removed afterwards.
    static func with(epochs: Int = 12, everySteps: Int? = 5, _ body: (SmallRun) throws -> Void) throws {
        let folder = try CommandLineTests.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let run = SmallRun(folder: folder, epochs: epochs)
        try run.writeData(seed: 1)
        try Data(configuration(epochs: epochs, everySteps: everySteps).utf8).write(
            to: folder.appendingPathComponent("small.json"))
        try body(run)
    }

    private static func configuration(epochs: Int, everySteps: Int?) -> String {
        """
        {
          "name": "small", "seed": 3,
          "data": {
            "files": {
              "trainImages": "train-images", "trainLabels": "train-labels", "testImages": "test-images",
              "testLabels": "test-labels"
            },
            "normalization": "standardize"
          },
          "augmentation": {"rotation": 8, "translation": 1},
          "model": {
            "inputShape": [12, 12, 1],
            "layers": [
              {"type": "conv2d", "filters": 8, "kernelSize": 3, "padding": "same", "useBias": false},
              {"type": "batchNormalization"}, {"type": "relu"}, {"type": "maxPooling2d", "poolSize": 2},
              {"type": "dropout", "rate": 0.2}, {"type": "flatten"}, {"type": "dense", "units": 3}
            ]
          },
          "training": {
            "epochs": \(epochs), "batchSize": 16, "optimizer": {"type": "adamW", "learningRate": 0.002},
            "schedule": {"type": "cosine"}, "averaging": {"decay": 0.97}, "earlyStopping": {"patience": 100},
            "checkpoints": {"everySteps": \(everySteps.map(String.init) ?? "null"), "keep": 2}
          }
        }
        """
    }

    /// Stripes along x, along y or across, under noise.
    func writeData(seed: UInt64) throws {
        var stream = RandomStream(RandomAddress(seed: seed, purpose: .test))
        for (half, count) in [("train", 300), ("test", 60)] {
            var pixels: [UInt8] = [], labels: [UInt8] = []
            for index in 0..<count {
                let label = index % 3, phase = stream.integer(below: 6)
                for y in 0..<12 {
                    for x in 0..<12 {
                        let stripe = ([x, y, x + y][label] + phase) % 6
                        pixels.append(UInt8((stripe < 3 ? 120 : 0) + stream.integer(below: 136)))
                    }
                }
                labels.append(UInt8(label))
            }
            func word(_ value: Int) -> [UInt8] { [0, 0, UInt8(value >> 8), UInt8(value & 255)] }
            try Data([0, 0, 8, 3] + word(count) + word(12) + word(12) + pixels).write(to: file("\(half)-images"))
            try Data([0, 0, 8, 1] + word(count) + labels).write(to: file("\(half)-labels"))
        }
    }

    func file(_ name: String) -> URL { folder.appendingPathComponent(name) }

    static func begin(_ output: String) -> [String] { ["--config", "small.json", "--output", output] }

    /// Runs `trainer` to its end.
    func trainer(_ arguments: [String]) throws -> CommandLineTests.Outcome {
        try CommandLineTests.trainer(arguments, in: folder)
    }

    /// Starts `trainer`, and gives it once `condition` holds.
    func start(_ arguments: [String], until condition: (URL?) -> Bool, output: String) throws -> Process {
        let process = try CommandLineTests.process(arguments, in: folder)
        try process.run()
        let deadline = Date().addingTimeInterval(60)
        while process.isRunning, Date() < deadline {
            if condition(try? run(in: output)) { break }
            usleep(500)
        }
        return process
    }

    /// The run folder in `output`.
    func run(in output: String) throws -> URL {
        let names = try FileManager.default.contentsOfDirectory(atPath: file(output).path)
        guard names.count == 1 else { throw CocoaError(.fileNoSuchFile) }
        return file(output).appendingPathComponent(names[0])
    }

    /// As the command line names it.
    func path(of output: String) throws -> String { "\(output)/\(try run(in: output).lastPathComponent)" }

    static func checkpoints(_ run: URL?) -> [URL] {
        guard let folder = run?.appendingPathComponent("checkpoints") else { return [] }
        return ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? [])
            .filter { $0.hasPrefix("epoch-") }.sorted().map { folder.appendingPathComponent($0) }
    }

    /// Whether it is in the middle of training, some checkpoints behind it.
    static func isUnderWay(_ run: URL?) -> Bool {
        (checkpoints(run).last?.lastPathComponent ?? "") >= "epoch-0003"
    }

    /// Every file that holds no time is the same in both.
    func expectSameBytes(_ output: String, _ reference: String) throws {
        let (a, b) = (try run(in: output), try run(in: reference))
        let timed = [
            RunFile.config, .environment, .history, .metrics, .report, .events, .tensorBoard,
        ]
        .map(\.rawValue)
        for name in RunFile.ofImages.map(\.rawValue) where !timed.contains(name) {
            #expect(
                try Data(contentsOf: a.appendingPathComponent(name))
                    == Data(contentsOf: b.appendingPathComponent(name)), "\(name)")
        }
        // All but the last two columns, seconds and images per second.
        let rows = try [a, b].map { folder in
            try String(contentsOf: folder.appendingPathComponent("history.csv"), encoding: .utf8)
                .split(separator: "\n").map { $0.split(separator: ",", omittingEmptySubsequences: false).dropLast(2) }
        }
        #expect(rows[0] == rows[1] && rows[0].count == epochs + 1)
        let hidden = try FileManager.default.subpathsOfDirectory(atPath: a.path).filter { $0.contains("/.") }
        #expect(hidden.isEmpty, "\(hidden)")
    }
}
