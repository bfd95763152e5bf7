import Evaluation
import Foundation
import Tensors
import Testing
import Training

@testable import Runs

/// Made-up runs to report on.
enum Samples {
    /// N samples of K classes by a classifier that is right more often the larger `strength` is.
    static func evaluation(
        classes k: Int, samples n: Int, strength: Double = 4, names: [String]? = nil, seed: UInt64 = 7
    ) throws -> EvaluationSummary {
        var random = RandomStream(RandomAddress(seed: seed, purpose: .test))
        var labels: [Int] = []
        var probabilities: [Float] = []
        for _ in 0..<n {
            let label = random.integer(below: k)
            var logits = (0..<k).map { _ in random.normalPair().0 * 1.5 }
            // Neighbouring classes resemble each other, as handwritten digits do.
            logits[label] += strength
            logits[(label + 1) % k] += strength * 0.4
            let exponentials = logits.map { exp($0) }
            let sum = exponentials.reduce(0, +)
            labels.append(label)
            probabilities += exponentials.map { Float($0 / sum) }
        }
        let names = names ?? (0..<k).map { k > 10 ? letter($0) : "\($0)" }
        return EvaluationSummary(try Predictions(labels: labels, probabilities: probabilities, classNames: names))
    }

    private static func letter(_ i: Int) -> String {
        let letters = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
        return i < letters.count ? String(letters[i]) : "class \(i)"
    }

    static func history(epochs: Int, best: Int, validated: Bool = true) -> TrainingHistory {
        var history = TrainingHistory()
        for epoch in 1...max(epochs, 1) where epoch <= epochs {
            let t = Double(epoch)
            history.epochs.append(
                EpochRecord(
                    epoch: epoch, learningRate: 1e-3 / t, trainingLoss: 0.02 + 0.6 * exp(-t / 4),
                    trainingAccuracy: 0.995 - 0.2 * exp(-t / 4),
                    validationLoss: validated ? 0.03 + 0.3 * exp(-t / 3) + 0.0005 * t : nil,
                    validationAccuracy: validated ? 0.992 - 0.08 * exp(-t / 3) : nil, seconds: 1.25,
                    imagesPerSecond: 4321.5))
        }
        history.bestEpoch = best
        history.stoppedEarly = epochs > best
        history.seconds = 1.25 * Double(epochs)
        history.imagesPerSecond = 4321.5
        return history
    }

    static func metrics(_ evaluation: EvaluationSummary, _ history: TrainingHistory?) -> MetricsRecord {
        MetricsRecord(
            dataset: "mnist", dataSource: .sample, training: history.map(MetricsRecord.Training.init), threads: 2,
            blas: "OpenBLAS 0.3.21 (SkylakeX)", parameters: 82_000, test: evaluation)
    }

    static let environment = EnvironmentRecord(
        numeralVersion: "0.1.0", swiftVersion: "6.3.1", operatingSystem: "Linux 6.1",
        processor: .init(model: "Some CPU", cores: 2, features: ["avx2", "avx512f"]),
        blas: .init(backend: "openblas", version: "0.3.21", core: nil), threads: 2, commit: nil,
        dataDigests: ["train-images-idx3-ubyte": "ba89"], commandLine: ["trainer", "--config", "a/b.json"],
        date: Date(timeIntervalSince1970: 1_700_000_000))

    /// Runs `body` with a fresh folder, removed afterwards.
    static func withFolder<R>(_ body: (URL) throws -> R) throws -> R {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("numeral-reports-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: url) }
        return try body(url)
    }
}

/// A reader of RFC 4180 that knows nothing of the writer.
func parseCSV(_ text: String) -> [[String]] {
    var rows: [[String]] = [[]]
    var field = ""
    var quoted = false
    var characters = Array(text.unicodeScalars)[...]
    while let c = characters.popFirst() {
        if quoted {
            if c == "\"" {
                if characters.first == "\"" {
                    characters.removeFirst()
                    field += "\""
                } else {
                    quoted = false
                }
            } else {
                field.unicodeScalars.append(c)
            }
        } else if c == "\"" && field.isEmpty {
            quoted = true
        } else if c == "," || c == "\n" {
            rows[rows.count - 1].append(field)
            field = ""
            if c == "\n" { rows.append([]) }
        } else {
            field.unicodeScalars.append(c)
        }
    }
    rows.removeLast()
    return rows
}
