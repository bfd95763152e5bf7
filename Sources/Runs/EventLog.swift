import Formats
import Foundation
import Tensors
import Training

/// `events.jsonl`: every training event as one line of JSON, written as it happens, for tools that follow a run.
///
/// Each line has `event` (`began`, `step`, `epoch`, `ended`) and `time` (seconds since 1970), then the event's own
/// values under their names in the library; absent and non-finite values are null.
package final class EventLog {
    private let buffer: RecordBuffer

    /// - Parameter append: appends to the file.
    package init(append: @escaping (Data) throws(OperationError) -> Void) { buffer = RecordBuffer(write: append) }

    /// Appends one line. All events except steps are written to the file at once.
    package func record(_ event: TrainingEvent, date: Date = Date()) throws(OperationError) {
        try buffer.append(Self.line(event, date: date).utf8)
        if case .step = event { return }
        try flush()
    }

    /// Writes all buffered lines to the file.
    package func flush() throws(OperationError) { try buffer.flush() }

    /// Returns the line of `event`, including its line break.
    static func line(_ event: TrainingEvent, date: Date) -> String {
        var line = Line()
        switch event {
        case .began(let scale):
            line.begin("began", date)
            line.add("trainingImages", scale.trainingImages)
            line.add("validationImages", scale.validationImages)
            line.add("epochs", scale.epochs)
            line.add("stepsPerEpoch", scale.stepsPerEpoch)
            line.add("parameters", scale.parameters)
            line.add("workspaceBytes", scale.workspaceBytes)
        case .step(let step):
            line.begin("step", date)
            line.add("epoch", step.epoch)
            line.add("step", step.step)
            line.add("images", step.images)
            line.add("seconds", step.seconds)
            line.add("loss", step.loss)
            line.add("accuracy", step.accuracy)
            line.add("learningRate", step.learningRate)
        case .epoch(let record, let isBest):
            line.begin("epoch", date)
            line.add("epoch", record.epoch)
            line.add("isBest", isBest)
            line.add("learningRate", record.learningRate)
            line.add("trainingLoss", record.trainingLoss)
            line.add("trainingAccuracy", record.trainingAccuracy)
            line.add("validationLoss", record.validationLoss)
            line.add("validationAccuracy", record.validationAccuracy)
            line.add("seconds", record.seconds)
            line.add("imagesPerSecond", record.imagesPerSecond)
        case .ended(let history):
            line.begin("ended", date)
            line.add("epochs", history.epochs.count)
            line.add("bestEpoch", history.bestEpoch)
            line.add("stoppedEarly", history.stoppedEarly)
            line.add("seconds", history.seconds)
            line.add("imagesPerSecond", history.imagesPerSecond)
        }
        return line.text + "}\n"
    }

    /// A JSON object under construction. Names and texts come from this file only, so nothing needs escaping.
    private struct Line {
        private(set) var text = ""

        mutating func begin(_ event: String, _ date: Date) {
            text = "{\"event\":\"\(event)\",\"time\":\(Text.fixed(date.timeIntervalSince1970, 3))"
        }

        mutating func add(_ name: String, _ value: Int) { text += ",\"\(name)\":\(value)" }
        mutating func add(_ name: String, _ value: Bool) { text += ",\"\(name)\":\(value)" }
        mutating func add(_ name: String, _ value: Double?) {
            text += ",\"\(name)\":" + (value.flatMap { $0.isFinite ? $0.description : nil } ?? "null")
        }
    }
}
