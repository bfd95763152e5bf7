import Foundation
import Numeral

/// Shows training as it goes: on a terminal one line that moves, with a bar, the rate and the time left; elsewhere one
/// plain line an epoch.
final class TrainingDisplay {
    private let quiet: Bool
    private let epochs: Int
    private var lastDraw = Date.distantPast
    private var isDrawn = false
    /// Seconds that finished epochs took, validation included.
    private let start = Date()

    init(quiet: Bool, epochs: Int) {
        self.quiet = quiet
        self.epochs = epochs
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
            "\(Console.grouped(scale.parameters)) parameters; \(Console.grouped(scale.trainingImages)) images, "
                + "\(Console.grouped(scale.validationImages)) for validation; \(scale.epochs) epochs of "
                + "\(scale.stepsPerEpoch) steps")
        Console.message(
            "epoch      rate   train loss   acc %   valid loss   acc %   images/s     time")
    }

    private func draw(_ p: StepProgress) {
        guard Console.isTerminal, Date().timeIntervalSince(lastDraw) > 0.1 else { return }
        lastDraw = Date()
        let rate = Double(p.images) / max(p.seconds, 1e-9)
        let fraction = (Double(p.epoch - 1) + Double(p.step) / Double(p.stepsPerEpoch)) / Double(epochs)
        let elapsed = Date().timeIntervalSince(start)
        let remaining = fraction > 0 ? elapsed / fraction - elapsed : .infinity
        let text =
            " \(Console.grouped(Int(rate))) images/s  \(Console.duration(remaining)) left  loss "
            + "\(Console.fixed(p.loss, 4))  acc \(Console.fixed(100 * p.accuracy, 2)) %"
        let head = "\(Console.right("\(p.epoch)", String(epochs).count))/\(epochs) "
        let width = max(5, min(30, Console.columns - head.count - text.count - 1))
        let filled = width * p.step / p.stepsPerEpoch
        let bar = String(repeating: "━", count: filled) + String(repeating: "─", count: width - filled)
        Console.write("\r\u{1B}[K" + head + tinted(bar, "36") + text)
        isDrawn = true
    }

    private func epoch(_ record: EpochRecord, _ isBest: Bool) {
        clear()
        func percent(_ value: Double?) -> String { value.map { Console.fixed(100 * $0, 2) } ?? "–" }
        let line =
            Console.right("\(record.epoch)/\(epochs)", 5)
            + Console.right(String(format: "%.2e", record.learningRate), 10)
            + Console.right(Console.fixed(record.trainingLoss, 4), 13)
            + Console.right(percent(record.trainingAccuracy), 8)
            + Console.right(record.validationLoss.map { Console.fixed($0, 4) } ?? "–", 13)
            + Console.right(percent(record.validationAccuracy), 8)
            + Console.right(Console.grouped(Int(record.imagesPerSecond)), 11)
            + Console.right(Console.duration(Date().timeIntervalSince(start)), 9)
        let mark = isBest && record.validationLoss != nil ? " *" : ""
        Console.message(isBest ? tinted(line + mark, "32") : line)
    }

    private func clear() {
        if isDrawn { Console.write("\r\u{1B}[K") }
        isDrawn = false
    }

    private func tinted(_ text: String, _ code: String) -> String {
        Console.usesColor ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }
}
