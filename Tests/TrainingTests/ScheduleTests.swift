import Testing
import Training

@Suite("Learning-rate schedule")
struct ScheduleTests {
    struct TorchFixture: Decodable {
        var stepsPerEpoch: Int
        var epochs: Int
        var warmupSteps: Int
        var cases: [String: [Double]]
    }

    static let shapes: [(String, ScheduleOptions)] = [
        ("step", .step(every: 2, factor: 0.3)), ("exponential", .exponential(decay: 0.8)),
        ("cosine", .cosine(finalFactor: 0.05)), ("one-cycle", .oneCycle()),
        ("one-cycle-other", .oneCycle(warmupFraction: 0.45, initialDivisor: 10, finalDivisor: 100)),
    ]

    @Test("agrees with PyTorch at every step, with and without warm-up", arguments: shapes.indices)
    func torch(index: Int) throws {
        let (name, options) = Self.shapes[index]
        let fixture = try fixture("schedules.json", as: TorchFixture.self)
        let warmupEpochs = Double(fixture.warmupSteps) / Double(fixture.stepsPerEpoch)
        for (key, warmup) in [(name, 0), (name + "-warmup", warmupEpochs)] {
            guard let expected = fixture.cases[key] else {
                #expect(key.hasPrefix("one-cycle") && warmup > 0)
                continue
            }
            let schedule = LearningRateSchedule(
                options: options, warmupEpochs: warmup, stepsPerEpoch: fixture.stepsPerEpoch, epochs: fixture.epochs)
            #expect(expected.count == schedule.totalSteps)
            for (step, factor) in expected.enumerated() {
                #expect(abs(schedule.factor(step: step) - factor) <= 1e-12, "\(key), step \(step)")
            }
        }
    }

    @Test("warm-up rises linearly to the first value of the shape, fractions of epochs included")
    func warmup() {
        let constant = LearningRateSchedule(options: .constant, warmupEpochs: 0.75, stepsPerEpoch: 4, epochs: 2)
        #expect((0..<9).map { constant.factor(step: $0) } == [0.25, 0.5, 0.75, 1, 1, 1, 1, 1, 1])
        let cycle = LearningRateSchedule(
            options: .oneCycle(initialDivisor: 8), warmupEpochs: 1, stepsPerEpoch: 3, epochs: 10)
        #expect((0..<4).map { cycle.factor(step: $0) } == [0.03125, 0.0625, 0.09375, 0.125])
    }

    @Test("stays finite and within its bounds for runs of a few steps, and keeps its last value afterwards")
    func shortRuns() {
        for (name, options) in Self.shapes {
            for epochs in 1...4 {
                for warmup in [0.0, 0.5, 1, 9] {
                    let schedule = LearningRateSchedule(
                        options: options, warmupEpochs: warmup, stepsPerEpoch: 1, epochs: epochs)
                    let factors = (0..<epochs + 3).map { schedule.factor(step: $0) }
                    #expect(factors.allSatisfy { $0 > 0 && $0 <= 1 }, "\(name), \(epochs) steps: \(factors)")
                    #expect(factors[epochs...].allSatisfy { $0 == factors[epochs - 1] })
                }
            }
        }
    }

    @Test("one-cycle ends at its minimum and peaks at 1")
    func oneCycle() {
        let schedule = LearningRateSchedule(options: .oneCycle(), warmupEpochs: 0, stepsPerEpoch: 100, epochs: 10)
        #expect(abs(schedule.factor(step: 0) - 0.04) < 1e-15)
        #expect(abs(schedule.factor(step: 299) - 1) < 1e-15)
        #expect(abs(schedule.factor(step: 999) - 4e-6) < 1e-18)
    }
}
