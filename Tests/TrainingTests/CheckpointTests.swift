import Formats
import Foundation
import Tensors
import Testing

@testable import Training

@Suite struct CheckpointTests {
    /// A small one in which no field has its default, with numbers that few digits cannot give.
    static func sample() -> Checkpoint {
        var progress = TrainingProgress()
        (progress.epoch, progress.step, progress.optimizerSteps) = (2, 3, 10)
        (progress.lossSum, progress.seconds, progress.learningRate) = (0.1 + 0.2, 1 / 3.0, 1e-300.nextUp)
        (progress.correct, progress.images) = (7, 96)
        progress.earlyStopping = EarlyStopping.State()
        progress.earlyStopping?.bestValue = -0.0
        progress.earlyStopping?.epochsWithoutImprovement = 1
        progress.history.bestEpoch = 1
        progress.history.seconds = .pi
        progress.history.epochs = [
            EpochRecord(
                epoch: 1, learningRate: 2e-3, trainingLoss: Double.pi.nextDown, trainingAccuracy: 2 / 3.0,
                validationLoss: .leastNonzeroMagnitude, validationAccuracy: nil, seconds: .greatestFiniteMagnitude,
                imagesPerSecond: 1e23)
        ]
        return Checkpoint(
            configuration: "{\"name\": \"é\\n\"}\n", dataDigests: ["b": "2", "a": "1"], engine: ["BLAS core": "Zen"],
            liveFiles: ["events.jsonl": 12], liveSums: ["events.out": [1, 0.1 + 0.2]],
            state: TrainingState(
                progress: progress,
                tensors: [
                    TensorRecord(name: "parameters", shape: [3], values: [-0.0, .leastNonzeroMagnitude, 1.5]),
                    TensorRecord(name: "state", shape: [0], values: []),
                ]))
    }

    private static func error(_ data: Data) -> CheckpointError? {
        do throws(CheckpointError) {
            _ = try Checkpoint.decode(data, name: "file")
            return nil
        } catch {
            return error
        }
    }

    @Test func givesBackEveryBit() throws {
        let checkpoint = Self.sample()
        let data = try checkpoint.encoded()
        let again = try Checkpoint.decode(data, name: "file")
        #expect(again == checkpoint)
        // Equality takes −0 for 0.
        #expect(again.state.tensors[0].values.map(\.bitPattern) == checkpoint.state.tensors[0].values.map(\.bitPattern))
        #expect(again.state.progress.earlyStopping?.bestValue?.sign == .minus)
        #expect(try again.encoded() == data)
    }

    @Test func everyDamageIsFound() throws {
        let data = try Self.sample().encoded()
        for count in 0..<data.count {
            guard case .damaged? = Self.error(data.prefix(count)) else {
                Issue.record("cut to \(count) bytes")
                continue
            }
        }
        for index in data.indices {
            var flipped = data
            flipped[index] ^= 1 << UInt8(index % 8)
            #expect(Self.error(flipped) != nil, "byte \(index)")
        }
        #expect(Self.error(data + Data([0])) != nil)
    }

    @Test func anotherVersionIsNotDamage() throws {
        let data = try Self.sample().encoded()
        var file = try SafetensorsFile.decode(data, name: "file")
        file.metadata["format"] = "numeral-checkpoint-2"
        guard case .otherVersion(let reason)? = Self.error(file.encoded()) else {
            Issue.record("not told apart")
            return
        }
        #expect(reason.received == "numeral-checkpoint-2" && reason.expected.contains("numeral-checkpoint-1"))
        file.metadata["format"] = "numeral-1"
        guard case .damaged? = Self.error(file.encoded()) else {
            Issue.record("a model is no checkpoint")
            return
        }
    }

    @Test func whatIsNotFiniteIsSeen() {
        var state = Self.sample().state
        #expect(state.isFinite)
        for value in [Float.nan, .infinity, -.infinity] {
            state.tensors[0].values[2] = value
            #expect(!state.isFinite)
        }
    }
}

@Suite struct CheckpointTimerTests {
    @Test func bySteps() {
        let timer = CheckpointTimer(options: .init(everySteps: 3, everyMinutes: nil, everyEpoch: false), now: 0)
        #expect((1...7).filter { timer.isDue(steps: $0, endsEpoch: false, now: 1e9) } == [3, 6])
        #expect(timer.isDue(steps: 9, endsEpoch: true, now: 0) && !timer.isDue(steps: 10, endsEpoch: true, now: 0))
    }

    @Test func byTime() {
        var timer = CheckpointTimer(options: .init(everyMinutes: 2, everyEpoch: false), now: 10)
        #expect(!timer.isDue(steps: 1, endsEpoch: true, now: 129) && timer.isDue(steps: 1, endsEpoch: false, now: 130))
        timer.wrote(from: 130, to: 131)
        #expect(!timer.isDue(steps: 2, endsEpoch: false, now: 250) && timer.isDue(steps: 2, endsEpoch: false, now: 251))
    }

    /// A writing that took 0.5 s is not repeated before 50 s have passed.
    @Test func shortEpochsAreNotSlowedDown() {
        var timer = CheckpointTimer(options: .init(everyMinutes: nil), now: 0)
        #expect(timer.isDue(steps: 1, endsEpoch: true, now: 1) && !timer.isDue(steps: 1, endsEpoch: false, now: 1))
        timer.wrote(from: 1, to: 1.5)
        #expect(!timer.isDue(steps: 2, endsEpoch: true, now: 51))
        #expect(timer.isDue(steps: 2, endsEpoch: true, now: 51.5))
    }

    @Test func noneAtAll() {
        #expect(!CheckpointTimer(options: nil, now: 0).isDue(steps: 1, endsEpoch: true, now: 1e9))
    }
}
