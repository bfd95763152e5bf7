import Foundation
import Numeral

/// Shows the progress of training: on a terminal, one updating line with a bar, the rate, the time left, the loss and
/// the best epoch so far; everywhere, one plain line per epoch.
final class TrainingDisplay {
    private let quiet: Bool
    private let epochs: Int
    /// What is trained on: images, or lines of text.
    private let unit: String
    private var lastDraw = Date.distantPast
    private var isDrawn = false
    private let start = Date()
    /// The fraction of the run that was done when it was first seen; not 0 if it resumed from a checkpoint.
    private var firstFraction: Double?
    private var best: (epoch: Int, text: String)?

    init(quiet: Bool, epochs: Int, unit: String = "images") {
        self.quiet = quiet
        self.epochs = epochs
        self.unit = unit
    }

    func show(_ event: TrainingEvent) {
        guard !quiet else { return }
        switch event {
        case .began(let scale): began(scale)
        case .step(let progress): draw(progress)
        case .epoch(let record, let isBest): epoch(record, isBest)
        case .ended: clear()
        }
    }

    private func began(_ scale: TrainingScale) {
        Console.message(
            "\(Console.grouped(scale.parameters)) parameters; \(Console.grouped(scale.trainingImages)) \(unit), "
                + "\(Console.grouped(scale.validationImages)) for validation; \(scale.epochs) epochs of "
                + "\(scale.stepsPerEpoch) steps")
        Console.message(EpochLine.header(unit: unit, columns: Console.messageColumns))
    }

    private func draw(_ p: StepProgress) {
        let done = Double(p.step) / Double(p.stepsPerEpoch)
        let fraction = (Double(p.epoch - 1) + done) / Double(epochs)
        if firstFraction == nil {
            firstFraction = (Double(p.epoch - 1) + done - 1 / Double(p.stepsPerEpoch)) / Double(epochs)
        }
        guard Console.isTerminal, Date().timeIntervalSince(lastDraw) > 0.1 else { return }
        lastDraw = Date()
        let elapsed = Date().timeIntervalSince(start)
        let left = elapsed * (1 - fraction) / (fraction - (firstFraction ?? 0))
        Self.line(p, epochs: epochs, secondsLeft: left, best: best).draw()
        isDrawn = true
    }

    /// Returns the updating line.
    static func line(
        _ p: StepProgress, epochs: Int, secondsLeft: Double, best: (epoch: Int, text: String)?
    ) -> ProgressLine {
        let rate = Double(p.images) / max(p.seconds, 1e-9)
        var parts: [ProgressLine.Part] = [
            .init(text: "\(Console.grouped(Int(min(rate, 1e12))))/s", rank: 3),
            .init(text: "\(Console.duration(secondsLeft)) left", rank: 1),
            .init(text: "loss \(Console.fixed(p.loss, 4))", rank: 0),
            .init(text: "acc \(Console.fixed(100 * p.accuracy, 2))", rank: 4),
        ]
        if let best { parts.append(.init(text: "best \(best.text) (\(best.epoch))", rank: 2)) }
        return ProgressLine(
            head: "\(Console.right("\(p.epoch)", String(epochs).count))/\(epochs)",
            fraction: Double(p.step) / Double(p.stepsPerEpoch), parts: parts)
    }

    private func epoch(_ record: EpochRecord, _ isBest: Bool) {
        clear()
        if isBest { best = record.validationLoss.map { (record.epoch, Console.fixed($0, 4)) } }
        let line = EpochLine.text(
            record, epochs: epochs, seconds: Date().timeIntervalSince(start), isBest: isBest,
            columns: Console.messageColumns)
        Console.message(isBest ? Console.tinted(line, "32") : line)
    }

    private func clear() {
        if isDrawn { ProgressLine.clear() }
        isDrawn = false
    }
}

/// The table of epochs, with all columns if there is room for them, which is everywhere but on a narrow terminal.
enum EpochLine {
    /// The columns of a line: name, width, and the width of the terminal from which it is shown.
    private static let fields: [(name: String, width: Int, least: Int)] = [
        ("epoch", 5, 0), ("rate", 10, 80), ("train loss", 13, 0), ("acc %", 8, 50), ("valid loss", 13, 0),
        ("acc %", 8, 50), ("images/s", 11, 70), ("time", 9, 60),
    ]

    static func header(unit: String = "images", columns: Int) -> String {
        joined(fields.map { $0.name == "images/s" ? "\(unit)/s" : $0.name }, columns)
    }

    static func text(
        _ record: EpochRecord, epochs: Int, seconds: Double, isBest: Bool, columns: Int
    ) -> String {
        func percent(_ value: Double?) -> String { value.map { Console.fixed(100 * $0, 2) } ?? "–" }
        let cells = [
            "\(record.epoch)/\(epochs)", String(format: "%.2e", record.learningRate),
            Console.fixed(record.trainingLoss, 4), percent(record.trainingAccuracy),
            record.validationLoss.map { Console.fixed($0, 4) } ?? "–", percent(record.validationAccuracy),
            Console.grouped(Int(min(record.imagesPerSecond, 1e12))), Console.duration(seconds),
        ]
        return joined(cells, columns) + (isBest && record.validationLoss != nil ? " *" : "")
    }

    private static func joined(_ cells: [String], _ columns: Int) -> String {
        zip(cells, fields).map { cell, field in field.least <= columns ? Console.right(cell, field.width) : "" }
            .joined()
    }
}
