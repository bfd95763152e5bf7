import Evaluation
import Foundation
import NeuralNetwork
import Tensors
import Testing

@testable import TensorBoard
@testable import Training

/// What a short made-up run writes, read back record by record.
@Suite struct LogTests {
    /// Collects what a log appends.
    final class Sink {
        var bytes: [UInt8] = []
        var writes = 0

        /// The events of all whole records; checksums are `RecordTests`' matter.
        func events() throws -> [Tensorboard_Event] {
            var events: [Tensorboard_Event] = []
            var position = 0
            while position < bytes.count {
                let size = bytes[position..<(position + 8)].reversed().reduce(0) { $0 << 8 | Int($1) }
                events.append(
                    try Tensorboard_Event(serializedBytes: Array(bytes[(position + 12)..<(position + 12 + size)])))
                position += size + 16
            }
            return events
        }
    }

    private static let tensors = [
        ParameterTensor(name: "a/kernel", shape: [2, 3], offset: 0, role: .weight),
        ParameterTensor(name: "a/bias", shape: [2], offset: 6, role: .bias),
    ]

    private func log(_ sink: Sink) -> TensorBoardLog {
        TensorBoardLog(tensors: Self.tensors, clock: { Date(timeIntervalSince1970: 1_700_000_000.5) }) { data in
            sink.bytes += data
            sink.writes += 1
        }
    }

    private func scalars(_ events: [Tensorboard_Event], _ tag: String) -> [(step: Int64, value: Float)] {
        events.flatMap { event in
            event.summary.value.filter { $0.tag == tag }.map { (event.step, $0.simpleValue) }
        }
    }

    @Test func theFirstEventNamesTheFormat() throws {
        let sink = Sink()
        try log(sink).begin(
            session: "run-1",
            hyperparameters: [
                .init(name: "a.b", value: .number(0.5)), .init(name: "c", value: .text("adam")),
                .init(name: "d", value: .boolean(true)),
            ])
        let events = try sink.events()
        #expect(events[0].fileVersion == "brain.Event:2" && events[0].wallTime == 1_700_000_000.5)
        let data = try events[1].summary.value.map {
            try Tensorboard_Hparams_HParamsPluginData(serializedBytes: Array($0.metadata.pluginData.content))
        }
        #expect(data[0].experiment.hparamInfos.map(\.name) == ["a.b", "c", "d"])
        #expect(data[0].experiment.hparamInfos.map(\.type) == [.float64, .string, .bool])
        #expect(data[1].sessionStartInfo.groupName == "run-1")
        #expect(data[1].sessionStartInfo.hparams["a.b"]?.numberValue == 0.5)
        #expect(data[1].sessionStartInfo.hparams["c"]?.stringValue == "adam")
        #expect(data[1].sessionStartInfo.hparams["d"]?.boolValue == true)
    }

    /// 2 epochs of 600 steps: a point every third step, each the mean since the last one.
    @Test func stepsAreMeansSinceTheLastPoint() throws {
        let sink = Sink()
        let log = log(sink)
        let parameters = AlignedBuffer<Float>([1, 2, 3, 4, 5, 11, 7, 7])
        log.begin(epochs: 2, steps: 600, parameters)
        for epoch in 1...2 {
            // Step s has 4 images of loss s: the running mean is (s + 1)/2.
            for step in 1...600 {
                try log.record(
                    .step(
                        StepProgress(
                            epoch: epoch, step: step, stepsPerEpoch: 600, images: 4 * step, seconds: 1,
                            loss: Double(step + 1) / 2, accuracy: 0.25, learningRate: 0.1))
                ) { parameters }
            }
            try log.record(
                .epoch(
                    EpochRecord(
                        epoch: epoch, learningRate: 0.1, trainingLoss: 2, trainingAccuracy: 0.5, validationLoss: nil,
                        validationAccuracy: nil, seconds: 1, imagesPerSecond: 9), isBest: true)
            ) { parameters }
        }
        let events = try sink.events()
        let losses = scalars(events, "loss/steps")
        #expect(losses.count == 400)
        #expect(losses.map(\.step) == (1...400).map { Int64(3 * $0) })
        // Steps 1, 2, 3 have mean 2; the last three of an epoch 599; the next epoch starts anew.
        #expect(losses[0].value == 2 && losses[199].value == 599 && losses[200].value == 2)
        #expect(scalars(events, "accuracy/steps").allSatisfy { $0.value == 0.25 })
        #expect(scalars(events, "loss/train").map(\.step) == [600, 1200])
        #expect(scalars(events, "loss/validation").isEmpty)
        let histograms = events.flatMap(\.summary.value).filter { $0.tag == "a/kernel" }.map(\.histo)
        #expect(histograms.count == 2)
        #expect(histograms[0].min == 1 && histograms[0].max == 11 && histograms[0].num == 6)
        #expect(histograms[0].sum == 26 && histograms[0].sumSquares == 176)
        // Buckets a third wide: 1 to 5 start the buckets 0, 3, 6, 9, 12; the greatest is in the last.
        let filled = histograms[0].bucket.indices.filter { histograms[0].bucket[$0] != 0 }
        #expect(filled == [0, 3, 6, 9, 12, 29] && histograms[0].bucketLimit.last == 11)
        let flat = events.flatMap(\.summary.value).filter { $0.tag == "a/bias" }.map(\.histo)[0]
        #expect(flat.bucket == [2] && flat.bucketLimit == [7])
    }

    /// A run that is interrupted between two points of a curve and goes on comes to the same points.
    @Test(arguments: [1, 2, 3, 599, 600]) func aResumedRunHasTheSamePoints(_ stop: Int) throws {
        let whole = Sink(), parts = Sink()
        let logs = (whole: log(whole), first: log(parts), second: log(parts))
        for log in [logs.whole, logs.first, logs.second] { log.begin(epochs: 3, steps: 600, AlignedBuffer(count: 8)) }
        for epoch in 1...2 {
            for step in 1...600 {
                let position = 600 * (epoch - 1) + step
                let event = TrainingEvent.step(
                    StepProgress(
                        epoch: epoch, step: step, stepsPerEpoch: 600, images: 4 * step, seconds: 1,
                        loss: Double(position).squareRoot(), accuracy: 1 / Double(position), learningRate: 0.1))
                let log = position <= 600 + stop ? logs.first : logs.second
                if position == 600 + stop + 1 {
                    try logs.first.flush()
                    logs.second.restore(sums: logs.first.sums)
                }
                for log in [logs.whole, log] { try log.record(event) { AlignedBuffer(count: 8) } }
            }
        }
        for log in [logs.whole, logs.first, logs.second] { try log.flush() }
        #expect(try whole.events() == parts.events())
        // Of a run that was interrupted after its last step, the test is at that step.
        let third = log(parts)
        third.restore(sums: (stop == 600 ? logs.first : logs.second).sums)
        try third.record(
            EvaluationSummary(
                Predictions(labels: [0, 1], probabilities: [1, 0, 0.5, 0.5], classNames: ["a", "b"])))
        try third.flush()
        #expect(try scalars(parts.events(), "test/accuracy").map(\.step) == [1200])
    }

    /// Worked out by hand: three samples of class 0 at 1, 0.5 and 0.004; one of class 1 at 0.5.
    @Test func prCurvesCountScoresAtLeastTheThreshold() throws {
        let predictions = try Predictions(
            labels: [0, 0, 0, 1], probabilities: [1, 0, 0.5, 0.5, 0.004, 0.996, 0.5, 0.5], classNames: ["a", "b"])
        let rows = PRCurve.table(predictions, class: 0)
        #expect([0, 1, 50, 51, 100].map { rows[0][$0] } == [3, 2, 2, 1, 1])
        #expect([0, 1, 50, 51, 100].map { rows[1][$0] } == [1, 1, 1, 0, 0])
        #expect([0, 50, 51].map { rows[2][$0] } == [0, 0, 1])
        #expect([0, 50, 51].map { rows[3][$0] } == [0, 1, 2])
        #expect(rows[4][50] == Float(2.0 / 3) && rows[5][50] == Float(2.0 / 3))
        let value = try PRCurve.values(predictions)[1]
        #expect(value.tag == "test/b/pr_curves" && value.metadata.pluginData.pluginName == "pr_curves")
        #expect(
            value.tensor.tensorShape.dim.map(\.size) == [6, 101] && value.tensor.tensorContent.count == 6 * 101 * 4)
    }

    @Test func theEndTellsHowItWent() throws {
        for succeeded in [true, false] {
            let sink = Sink()
            try log(sink).end(succeeded: succeeded)
            let value = try #require(try sink.events().last?.summary.value.last)
            let data = try Tensorboard_Hparams_HParamsPluginData(
                serializedBytes: Array(value.metadata.pluginData.content))
            #expect(data.sessionEndInfo.status == (succeeded ? .success : .failure))
        }
    }

    @Test func aFileThatCannotBeWrittenIsTold() throws {
        let log = TensorBoardLog(tensors: []) { _ throws(OperationError) in
            throw OperationError("writing x", problem: "No space left on device")
        }
        #expect(throws: OperationError.self) { try log.begin(session: "s", hyperparameters: []) }
    }
}

extension TensorBoardLog {
    fileprivate func begin(epochs: Int, steps: Int, _ parameters: AlignedBuffer<Float>) {
        #expect(throws: Never.self) {
            try record(
                .began(
                    TrainingScale(
                        trainingImages: 4 * steps, validationImages: 0, epochs: epochs, stepsPerEpoch: steps,
                        parameters: 8, workspaceBytes: 0))
            ) { parameters }
        }
    }
}
