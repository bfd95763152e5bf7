import Evaluation
import Foundation
import NeuralNetwork
import Pictures
import Reports
import Runs
import SwiftProtobuf
import Tensors
import Training

/// A hyperparameter as TensorBoard's HPARAMS page sorts and filters it.
package struct Hyperparameter: Hashable, Sendable {
    package enum Value: Hashable, Sendable {
        case number(Double)
        case boolean(Bool)
        case text(String)
    }

    /// The path of the setting, such as `training.optimizer.learningRate`.
    package var name: String
    package var value: Value

    package init(name: String, value: Value) {
        self.name = name
        self.value = value
    }
}

/// A run's event file for TensorBoard, written while the run is in progress.
///
/// | tag | kind | when |
/// |---|---|---|
/// | `loss/steps`, `accuracy/steps`, `learning_rate` | scalar | about 500 times a run: means since the last time |
/// | `loss/train`, `loss/validation`, `accuracy/train`, `accuracy/validation` | scalar | each epoch |
/// | `images_per_second` | scalar | each epoch |
/// | a parameter's name, such as `dense_1/kernel` | histogram | each epoch, 30 times a run at most |
/// | `inputs/augmented` | image | at the start |
/// | `test/accuracy` and other figures | scalar | after the test |
/// | `test/<class>/pr_curves` | PR curve | after the test |
/// | `test/confusion_matrix` | image | after the test |
/// | `_hparams_/…` | hyperparameters | at the start and the end |
///
/// The step of every event is the number of training steps taken. Not thread-safe: use it from one thread at a time.
package final class TensorBoardLog {
    private let buffer: RecordBuffer
    private let tensors: [ParameterTensor]
    private let clock: () -> Date
    private var scale: TrainingScale?
    /// The epoch in progress.
    private var epoch = 0
    /// The image count of that epoch and its Σ of loss and accuracy when the last `…/steps` were written.
    private var last = (images: 0, loss: 0.0, accuracy: 0.0)
    private var step = 0

    /// The approximate number of points of a per-step curve.
    static let stepPoints = 500
    /// The maximum number of histograms of a parameter.
    static let histogramLimit = 30
    /// The test metrics that are written: the last part of the tag, and the value.
    static let testFigures: [(name: String, value: @Sendable (EvaluationSummary) -> Double)] = [
        ("accuracy", { $0.report.accuracy }), ("loss", { $0.logLoss }), ("f1_macro", { $0.report.f1.macro }),
        ("calibration_error", { $0.calibration.expectedError }),
    ]

    /// - Parameters:
    ///   - tensors: the layout of the network's parameters in its flat buffer.
    ///   - clock: returns the time of each event.
    ///   - append: appends whole records to the file.
    package init(
        tensors: [ParameterTensor], clock: @escaping () -> Date = { Date() },
        append: @escaping (Data) throws(OperationError) -> Void
    ) {
        self.tensors = tensors
        self.clock = clock
        buffer = RecordBuffer(write: append)
    }

    /// The state that the next events need: the epoch, its image count, Σ loss and Σ accuracy at the last `…/steps`,
    /// and the number of steps.
    package var sums: [Double] { [Double(epoch), Double(last.images), last.loss, last.accuracy, Double(step)] }

    /// Restores the ``sums`` of the run that is being resumed.
    package func restore(sums: [Double]) {
        guard sums.count == 5, let epoch = Int(exactly: sums[0]), let images = Int(exactly: sums[1]),
            let step = Int(exactly: sums[4])
        else { return }
        (self.epoch, self.step) = (epoch, step)
        last = (images, sums[2], sums[3])
    }

    /// Begins the file with its version and the run's hyperparameters.
    /// - Parameter session: the name of the run among others: that of its folder.
    package func begin(session: String, hyperparameters: [Hyperparameter]) throws(OperationError) {
        var version = Tensorboard_Event()
        version.fileVersion = "brain.Event:2"
        version.sourceMetadata.writer = "numeral"
        try write(version)
        try write([
            try HyperparameterRecords.experiment(hyperparameters, date: clock()),
            try HyperparameterRecords.sessionStart(session, hyperparameters, date: clock()),
        ])
        try flush()
    }

    /// Records a training event.
    /// - Parameter parameters: returns the current weights; called only when they are written.
    package func record(
        _ event: TrainingEvent, parameters: () -> AlignedBuffer<Float>
    ) throws(OperationError) {
        switch event {
        case .began(let scale): self.scale = scale
        case .step(let progress): try record(progress)
        case .epoch(let epoch, _): try record(epoch, parameters)
        case .ended: try flush()
        }
    }

    private func record(_ progress: StepProgress) throws(OperationError) {
        step = (progress.epoch - 1) * progress.stepsPerEpoch + progress.step
        let images = Double(progress.images)
        let now = (images: progress.images, loss: progress.loss * images, accuracy: progress.accuracy * images)
        if progress.epoch != epoch {
            epoch = progress.epoch
            last = (0, 0, 0)
        }
        let total = (scale?.epochs ?? 1) * progress.stepsPerEpoch
        let count = Double(now.images - last.images)
        guard step % max(1, (total + Self.stepPoints - 1) / Self.stepPoints) == 0, count > 0 else { return }
        try write([
            Self.scalar("loss/steps", (now.loss - last.loss) / count),
            Self.scalar("accuracy/steps", (now.accuracy - last.accuracy) / count),
            Self.scalar("learning_rate", progress.learningRate),
        ])
        last = now
    }

    private func record(
        _ epoch: EpochRecord, _ parameters: () -> AlignedBuffer<Float>
    ) throws(OperationError) {
        let figures: [(String, Double?)] = [
            ("loss/train", epoch.trainingLoss), ("loss/validation", epoch.validationLoss),
            ("accuracy/train", epoch.trainingAccuracy), ("accuracy/validation", epoch.validationAccuracy),
            ("images_per_second", epoch.imagesPerSecond),
        ]
        var values = figures.compactMap { name, value in value.map { Self.scalar(name, $0) } }
        let epochs = scale?.epochs ?? 1
        if epoch.epoch == epochs || epoch.epoch % max(1, (epochs + Self.histogramLimit - 1) / Self.histogramLimit) == 0
        {
            let buffer = parameters()
            values += tensors.map { tensor in
                var value = Tensorboard_Summary.Value()
                value.tag = tensor.name
                value.histo = buffer.withSpan(tensor.range) { Histogram.of($0) }
                return value
            }
        }
        try write(values)
        try flush()
    }

    /// Writes an image.
    package func image(_ png: PNG, tag: String, description: String = "") throws(OperationError) {
        var value = Tensorboard_Summary.Value()
        value.tag = tag
        value.image.width = Int32(png.width)
        value.image.height = Int32(png.height)
        value.image.colorspace = Int32(png.colour.rawValue)
        value.image.encodedImageString = try png.encoded()
        value.metadata.pluginData.pluginName = "images"
        value.metadata.displayName = tag
        value.metadata.summaryDescription = description
        try write([value])
        try flush()
    }

    /// Writes a test's metrics, PR curves and confusion matrix.
    package func record(_ evaluation: EvaluationSummary) throws(OperationError) {
        try write(
            Self.testFigures.map { Self.scalar("test/\($0.name)", $0.value(evaluation)) }
                + evaluation.metrics.map { Self.scalar("test/\($0.name)", $0.value) }
                + (try PRCurve.values(evaluation.predictions)))
        try image(
            ConfusionMatrixImage.png(evaluation.confusionMatrix), tag: "test/confusion_matrix",
            description: "Rows are true classes, columns predicted ones, in the data set's order.")
    }

    /// Writes the outcome of the run. Nothing may follow.
    package func end(succeeded: Bool) throws(OperationError) {
        try write([try HyperparameterRecords.sessionEnd(succeeded: succeeded, date: clock())])
        try flush()
    }

    /// Writes all buffered records to the file.
    package func flush() throws(OperationError) { try buffer.flush() }

    private static func scalar(_ tag: String, _ number: Double) -> Tensorboard_Summary.Value {
        var value = Tensorboard_Summary.Value()
        value.tag = tag
        value.simpleValue = Float(number)
        return value
    }

    private func write(_ values: [Tensorboard_Summary.Value]) throws(OperationError) {
        var event = Tensorboard_Event()
        event.step = Int64(step)
        event.summary.value = values
        try write(event)
    }

    private func write(_ event: Tensorboard_Event) throws(OperationError) {
        var event = event
        event.wallTime = clock().timeIntervalSince1970
        try buffer.append(TFRecord.frame(try Self.bytes(event)))
    }

    static func bytes(_ message: some SwiftProtobuf.Message) throws(OperationError) -> [UInt8] {
        do {
            return try message.serializedBytes()
        } catch {
            throw OperationError("encoding an event for TensorBoard", problem: "\(error)")
        }
    }
}
