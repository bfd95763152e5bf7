import NeuralNetwork
import Tensors
import Testing
import Workers

@testable import Training

@Suite("Optimizer")
struct OptimizerTests {
    /// Runs `steps` steps on random gradients and returns the optimizer and the parameters.
    private func run(
        _ options: OptimizerOptions, tensors: [ParameterTensor], steps: Int, threads: Int = 1, l2: Double = 0.01,
        clipping: GradientClipping? = nil, lookahead: LookaheadOptions? = nil, averagingDecay: Double? = nil
    ) -> (optimizer: Optimizer, parameters: [Float]) {
        let count = tensors.map(\.range.upperBound).max() ?? 0
        let pool = WorkerPool(threads: threads)
        defer { pool.shutdown() }
        let optimizer = Optimizer(
            options: options, l2: l2, clipping: clipping, lookahead: lookahead, averagingDecay: averagingDecay,
            tensors: tensors, count: count)
        let parameters = AlignedBuffer(normals(count, 0))
        for step in 1...steps {
            optimizer.step(
                parameters: parameters, gradients: AlignedBuffer(normals(count, UInt32(step))),
                learningRate: options.learningRate / Double(step),
                synchronizes: lookahead.map { step.isMultiple(of: $0.steps) } ?? false, pool: pool)
        }
        return (optimizer, parameters.array)
    }

    /// Ten roundings of numbers up to `peak`, a few units in the last place each.
    private func isClose(_ value: Float, _ expected: Double, peak: Double) -> Bool {
        abs(Double(value) - expected) <= 8e-7 * max(peak, abs(expected))
    }

    @Test("agrees with a naive twin in Double", arguments: optimizerRules)
    func twin(options: OptimizerOptions) {
        let tensors = alternatingTensors([33, 1, 100, 7])
        for clipping in [nil, GradientClipping.norm(3), .value(0.7)] {
            let (optimizer, parameters) = run(
                options, tensors: tensors, steps: 10, clipping: clipping, averagingDecay: 0.6)
            var twin = OptimizerReference(
                options: options, l2: 0.01, clipping: clipping, averagingDecay: 0.6, tensors: tensors,
                start: normals(141, 0).map(Double.init))
            for step in 1...10 {
                twin.step(
                    normals(141, UInt32(step)).map(Double.init), learningRate: options.learningRate / Double(step))
            }
            let average = optimizer.averagedParameters?.array ?? []
            #expect(average.count == 141 && optimizer.stepsTaken == 10)
            for i in parameters.indices {
                #expect(isClose(parameters[i], twin.w[i], peak: 4), "\(options), element \(i)")
                #expect(isClose(average[i], twin.average[i], peak: 4), "average, element \(i)")
            }
            for (name, buffer) in optimizer.state where name != "average/parameters" {
                let moment = name == "optimizer/m" ? twin.m : twin.v
                for i in moment.indices {
                    #expect(isClose(buffer[i], moment[i], peak: 4), "\(name), element \(i)")
                }
            }
        }
    }

    struct TorchFixture: Decodable {
        var weights: Int
        var momenta: [Double]
        var start: [Float]
        var gradients: [[Float]]
        var factors: [Double]
        var cases: [String: [[Double]]]
    }

    static let torchCases: [(String, OptimizerOptions, Double, GradientClipping?)] = [
        ("sgd", .sgd(learningRate: 0.1), 0, nil), ("sgd-l2", .sgd(learningRate: 0.1), 0.01, nil),
        ("momentum", .sgd(learningRate: 0.05, momentum: 0.9), 0, nil),
        ("nesterov", .sgd(learningRate: 0.05, momentum: 0.9, nesterov: true), 0.01, nil),
        ("rmsprop", .rmsprop(learningRate: 0.01, rho: 0.9, epsilon: 1e-7), 0, nil),
        ("rmsprop-momentum", .rmsprop(learningRate: 0.01, rho: 0.9, epsilon: 1e-7, momentum: 0.8), 0, nil),
        ("adam", .adam(learningRate: 0.01), 0, nil), ("adam-l2", .adam(learningRate: 0.01), 0.02, nil),
        ("adamw", .adamW(learningRate: 0.01, beta1: 0.8, beta2: 0.99, epsilon: 1e-6, weightDecay: 0.1), 0, nil),
        ("adagrad", .adagrad(learningRate: 0.1, learningRateDecay: 0.1, epsilon: 1e-8), 0, nil),
        ("adagrad-l2", .adagrad(learningRate: 0.1, initialAccumulator: 0.25, epsilon: 1e-8), 0.02, nil),
        ("nesterov-cycled", .sgd(learningRate: 0.05, momentum: 0.9, nesterov: true), 0, nil),
        ("adamw-cycled", .adamW(learningRate: 0.01, beta2: 0.99, epsilon: 1e-6, weightDecay: 0.1), 0, nil),
        // PyTorch divides by the norm plus 1e-6; the norms here are above 100, so that it does not show.
        ("clip-norm", .sgd(learningRate: 0.1, momentum: 0.9), 0.01, .norm(20)),
        ("clip-value", .sgd(learningRate: 0.1, momentum: 0.9), 0, .value(0.5)),
    ]

    @Test("agrees with PyTorch, step by step", arguments: torchCases.indices)
    func torch(index: Int) throws {
        let (name, options, l2, clipping) = Self.torchCases[index]
        let fixture = try fixture("optimizers.json", as: TorchFixture.self)
        #expect(fixture.cases.count == Self.torchCases.count)
        let expected = try #require(fixture.cases[name])
        let count = fixture.start.count
        let tensors = alternatingTensors([fixture.weights, count - fixture.weights])
        let optimizer = Optimizer(
            options: options, l2: l2, clipping: clipping, averagingDecay: nil, tensors: tensors, count: count)
        let parameters = AlignedBuffer(fixture.start)
        let pool = WorkerPool(threads: 1)
        var peaks = fixture.start.map { abs(Double($0)) }
        #expect(expected.count == 10)
        for (step, row) in expected.enumerated() {
            optimizer.step(
                parameters: parameters, gradients: AlignedBuffer(fixture.gradients[step]),
                learningRate: options.learningRate * fixture.factors[step],
                momentum: name.hasSuffix("-cycled") ? fixture.momenta[step] : nil, pool: pool)
            for i in 0..<count {
                peaks[i] = max(peaks[i], abs(row[i]))
                #expect(isClose(parameters[i], row[i], peak: peaks[i]), "\(name): step \(step + 1), element \(i)")
            }
        }
    }

    @Test("has the same bits for every thread count", arguments: optimizerRules)
    func threads(options: OptimizerOptions) {
        // Several blocks, odd sizes, tails of every kind.
        let tensors = alternatingTensors([50_001, 17, 16_384, 1, 3_333, 15])
        for clipping in [GradientClipping.norm(2), .value(0.5)] {
            let alone = run(options, tensors: tensors, steps: 3, clipping: clipping, averagingDecay: 0.9)
            for threads in 2...3 {
                let shared = run(
                    options, tensors: tensors, steps: 3, threads: threads, clipping: clipping, averagingDecay: 0.9)
                #expect(shared.parameters == alone.parameters)
                #expect(shared.optimizer.gradientNorm == alone.optimizer.gradientNorm)
                for (one, other) in zip(shared.optimizer.state, alone.optimizer.state) {
                    #expect(one.name == other.name && one.buffer.array == other.buffer.array)
                }
            }
        }
    }

    /// LAMB's step on an element depends on where its tensor ends.
    @Test(
        "gives an element the same bits wherever blocks begin",
        arguments: optimizerRules.filter { !($0.rule is LAMB) })
    func borders(options: OptimizerOptions) {
        let whole = run(options, tensors: alternatingTensors([16_500]), steps: 3, averagingDecay: 0.9)
        // The same elements as many tensors in reverse order, kept apart by a fresh role-less border each.
        let cuts = [0, 5, 21, 100, 1_000, 16_384, 16_385, 16_500]
        var pieces: [Float] = []
        for (start, end) in zip(cuts, cuts.dropFirst()) {
            let piece = ParameterTensor(name: "piece", shape: [end - start], offset: start, role: .weight)
            let alone = run(options, tensors: [piece], steps: 3, averagingDecay: 0.9)
            pieces += alone.parameters[start..<end]
        }
        #expect(pieces == whole.parameters)
    }

    @Test("cuts blocks at changes of decay and at the size limit, and skips gaps")
    func blocks() {
        func tensor(_ offset: Int, _ count: Int, _ role: ParameterTensor.Role) -> ParameterTensor {
            ParameterTensor(name: "t\(offset)", shape: [count], offset: offset, role: role)
        }
        let limit = OptimizerBlock.maximumCount
        let tensors = [
            tensor(limit + 30, 2, .shift), tensor(0, 10, .weight), tensor(10, limit + 10, .weight),
            tensor(limit + 20, 4, .bias), tensor(limit + 24, 0, .weight), tensor(limit + 24, 6, .scale),
            tensor(limit + 40, 1, .weight),
        ]
        #expect(
            OptimizerBlock.cut([OptimizerGroup(tensors: tensors)], count: limit + 41) == [
                OptimizerBlock(range: 0..<limit, decays: true),
                OptimizerBlock(range: limit..<limit + 20, decays: true),
                OptimizerBlock(range: limit + 20..<limit + 32, decays: false),
                OptimizerBlock(range: limit + 40..<limit + 41, decays: true),
            ])
    }

    @Test("leaves elements of no tensor and the gradients alone")
    func gaps() {
        let tensors = [
            ParameterTensor(name: "a", shape: [3], offset: 2, role: .weight),
            ParameterTensor(name: "b", shape: [20], offset: 8, role: .weight),
        ]
        let optimizer = Optimizer(
            options: .adam(), l2: 0.1, clipping: .norm(0.5), averagingDecay: 0.9, tensors: tensors, count: 32)
        let parameters = AlignedBuffer([Float](repeating: 1, count: 32))
        let gradients = AlignedBuffer([Float](repeating: 2, count: 32))
        optimizer.step(
            parameters: parameters, gradients: gradients, learningRate: 0.1, pool: WorkerPool(threads: 1))
        for i in 0..<32 { #expect((parameters[i] == 1) == !((2..<5) ~= i || (8..<28) ~= i)) }
        #expect(gradients.array == [Float](repeating: 2, count: 32))
        #expect(optimizer.gradientNorm == (23.0 * 4).squareRoot())
    }

    @Test("the average starts at the first parameters and follows min(d, (1 + t)/(10 + t))")
    func averaging() throws {
        let optimizer = Optimizer(
            options: .sgd(learningRate: 1), l2: 0, clipping: nil, averagingDecay: 0.25,
            tensors: alternatingTensors([1]), count: 1)
        let parameters = AlignedBuffer<Float>([8])
        let pool = WorkerPool(threads: 1)
        var expected = 8.0
        for step in 1...5 {
            optimizer.step(parameters: parameters, gradients: AlignedBuffer([1]), learningRate: 1, pool: pool)
            let decay = [2.0 / 11, 3.0 / 12, 0.25, 0.25, 0.25][step - 1]
            #expect(optimizer.averagingDecay(step: step) == decay)
            expected = decay * expected + (1 - decay) * Double(8 - step)
            let average = try #require(optimizer.averagedParameters)
            #expect(abs(Double(average[0]) - expected) < 2e-6)
        }
        #expect(parameters[0] == 3)
    }

    @Test("continues from its state with the same bits", arguments: optimizerRules)
    func resume(options: OptimizerOptions) {
        let tensors = alternatingTensors([100, 20]), pool = WorkerPool(threads: 1)
        func make() -> Optimizer {
            Optimizer(
                options: options, l2: 0.1, clipping: .norm(1), lookahead: LookaheadOptions(), averagingDecay: 0.99,
                tensors: tensors, count: 120)
        }
        func advance(_ optimizer: Optimizer, _ parameters: AlignedBuffer<Float>, _ steps: ClosedRange<UInt32>) {
            for step in steps {
                optimizer.step(
                    parameters: parameters, gradients: AlignedBuffer(normals(120, step)), learningRate: 0.01,
                    synchronizes: step == 5, pool: pool)
            }
        }
        let first = make(), second = make()
        let parameters = AlignedBuffer(normals(120, 0))
        advance(first, parameters, 1...3)
        let copy = AlignedBuffer(parameters.array)
        second.stepsTaken = first.stepsTaken
        for (old, new) in zip(first.state, second.state) { new.buffer.copy(from: old.buffer) }
        advance(first, parameters, 4...6)
        advance(second, copy, 4...6)
        #expect(parameters.array == copy.array)
        #expect(first.state.map(\.name) == second.state.map(\.name))
        for (old, new) in zip(first.state, second.state) { #expect(old.buffer.array == new.buffer.array) }
    }

    @Test("keeps the moments that its rule needs, and no more")
    func state() {
        let expected = [
            [], ["optimizer/m"], ["optimizer/m"], ["optimizer/v"], ["optimizer/m", "optimizer/v"],
            ["optimizer/m", "optimizer/v"], ["optimizer/m", "optimizer/v"], ["optimizer/v"],
            ["optimizer/m", "optimizer/v"], ["optimizer/m", "optimizer/v"],
        ]
        for (options, names) in zip(optimizerRules, expected) {
            let optimizer = Optimizer(
                options: options, l2: 0, clipping: nil, averagingDecay: nil, tensors: alternatingTensors([4]),
                count: 4)
            #expect(optimizer.state.map(\.name) == names)
            let more = Optimizer(
                options: options, l2: 0, clipping: nil, lookahead: LookaheadOptions(), averagingDecay: 0.5,
                tensors: alternatingTensors([4]), count: 4)
            #expect(more.state.map(\.name) == names + ["lookahead/slow", "average/parameters"])
        }
    }

    @Test("NaN and infinite gradients reach the parameters, clipped or not", arguments: [Float.nan, .infinity])
    func divergence(bad: Float) {
        let pool = WorkerPool(threads: 1)
        for clipping in [nil, GradientClipping.norm(1)] {
            let optimizer = Optimizer(
                options: .sgd(learningRate: 1), l2: 0, clipping: clipping, averagingDecay: nil,
                tensors: alternatingTensors([20]), count: 20)
            let parameters = AlignedBuffer<Float>(count: 20), gradients = AlignedBuffer<Float>(count: 20)
            optimizer.step(parameters: parameters, gradients: gradients, learningRate: 1, pool: pool)
            #expect(optimizer.isFinite(parameters, pool: pool))
            gradients[18] = bad
            optimizer.step(parameters: parameters, gradients: gradients, learningRate: 1, pool: pool)
            #expect(!optimizer.isFinite(parameters, pool: pool))
            #expect(optimizer.gradientNorm?.isFinite != true)
        }
    }

    @Test("moments of a dead weight become zero, not subnormal")
    func subnormals() {
        let optimizer = Optimizer(
            options: .adam(), l2: 0, clipping: nil, averagingDecay: nil, tensors: alternatingTensors([17]), count: 17)
        let parameters = AlignedBuffer<Float>(count: 17)
        let gradients = AlignedBuffer([Float](repeating: 1e-3, count: 17)), pool = WorkerPool(threads: 1)
        optimizer.step(parameters: parameters, gradients: gradients, learningRate: 1e-3, pool: pool)
        gradients.zero()
        for _ in 0..<900 {
            optimizer.step(parameters: parameters, gradients: gradients, learningRate: 1e-3, pool: pool)
        }
        #expect(optimizer.state[0].buffer.array == [Float](repeating: 0, count: 17))
    }

    /// An ε that is 0 as a float must not make 0 / 0 of an element without a gradient.
    @Test("The smallest ε leaves an element without a gradient alone") func smallestEpsilon() {
        for options: OptimizerOptions in [
            .adam(learningRate: 0.1, epsilon: 1e-46), .rmsprop(learningRate: 0.1, epsilon: 1e-46),
            .rmsprop(learningRate: 0.1, epsilon: 1e-46, momentum: 0.9), .adagrad(learningRate: 0.1, epsilon: 1e-46),
        ] {
            let optimizer = Optimizer(
                options: options, l2: 0, clipping: nil, averagingDecay: nil, tensors: alternatingTensors([20]),
                count: 20)
            let parameters = AlignedBuffer(normals(20, 0))
            let pool = WorkerPool(threads: 1)
            optimizer.step(
                parameters: parameters, gradients: AlignedBuffer(count: 20), learningRate: 0.1, pool: pool)
            #expect(parameters.array == normals(20, 0), "\(options)")
        }
    }
}
