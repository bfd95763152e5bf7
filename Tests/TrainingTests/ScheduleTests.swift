import Testing
import Training

@Suite("Learning-rate schedule")
struct ScheduleTests {
    struct TorchFixture: Decodable {
        var stepsPerEpoch: Int
        var epochs: Int
        var warmupSteps: Int
        var cases: [String: [Double]]
        var momenta: [String: [Double]]
    }

    static let shapes: [(String, ScheduleOptions)] = [
        ("step", .step(every: 2, factor: 0.3)), ("exponential", .exponential(decay: 0.8)),
        ("cosine", .cosine(finalFactor: 0.05)), ("cosine-cycles", .cosine(finalFactor: 0.05, cycles: 3)),
        ("one-cycle", .oneCycle()),
        ("one-cycle-other", .oneCycle(warmupFraction: 0.45, initialDivisor: 10, finalDivisor: 100)),
    ]

    @Test("agrees with PyTorch at every step, with and without warm-up", arguments: shapes.indices)
    func torch(index: Int) throws {
        let (name, options) = Self.shapes[index]
        let fixture = try fixture("schedules.json", as: TorchFixture.self)
        let warmupEpochs = Double(fixture.warmupSteps) / Double(fixture.stepsPerEpoch)
        for (key, warmup) in [(name, 0), (name + "-warmup", warmupEpochs)] {
            guard let expected = fixture.cases[key] else {
                #expect((key.hasPrefix("one-cycle") || key.hasPrefix("cosine-cycles")) && warmup > 0)
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

    @Test("cycles momentum as PyTorch does at every step, and holds it up during a warm-up")
    func momentum() throws {
        let fixture = try fixture("schedules.json", as: TorchFixture.self)
        let cycles: [String: ScheduleOptions] = [
            "one-cycle": .oneCycle(momentum: 0.85...0.95),
            "one-cycle-other": .oneCycle(warmupFraction: 0.45, momentum: 0.5...0.9),
        ]
        #expect(fixture.momenta.keys.sorted() == cycles.keys.sorted())
        for (name, options) in cycles {
            let expected = try #require(fixture.momenta[name])
            let steps = fixture.stepsPerEpoch
            let schedule = LearningRateSchedule(
                options: options, warmupEpochs: 0, stepsPerEpoch: steps, epochs: fixture.epochs)
            #expect(expected.count == schedule.totalSteps)
            for (step, momentum) in expected.enumerated() {
                #expect(abs((schedule.momentum(step: step) ?? 0) - momentum) <= 1e-12, "\(name), step \(step)")
            }
            let later = LearningRateSchedule(
                options: options, warmupEpochs: 2, stepsPerEpoch: steps, epochs: fixture.epochs + 2)
            for step in 0..<later.totalSteps {
                let expected = schedule.momentum(step: max(step - 2 * steps, 0))
                #expect(later.momentum(step: step) == expected)
            }
        }
        let plain = LearningRateSchedule(options: .oneCycle(), warmupEpochs: 0, stepsPerEpoch: 5, epochs: 2)
        #expect(plain.momentum(step: 3) == nil)
        let rising = LearningRateSchedule(
            options: .oneCycle(momentum: 0.1...0.2), warmupEpochs: 2, stepsPerEpoch: 1, epochs: 2)
        #expect((0..<4).map { rising.momentum(step: $0) } == [0.2, 0.2, 0.2, 0.2])
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
