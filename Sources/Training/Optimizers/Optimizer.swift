import Kernels
import NeuralNetwork
import Tensors
import Workers

/// Moves the parameters against the gradient: one pass over flat buffers, cut into fixed blocks.
///
/// One step, for every element of every tensor:
/// 1. the gradient of the loss is clipped (by global norm or by value),
/// 2. L2 adds `l2 · w` on tensors that decay (so the penalty is not clipped, as in PyTorch),
/// 3. the rule of ``OptimizerOptions`` updates `w` and its moments,
/// 4. where it is time, the slow weights of ``LookaheadOptions`` follow, and `w` goes back to them,
/// 5. the moving average follows: `a ← a + (1 − d)(w − a)`.
///
/// Blocks depend on the tensors alone, and the norm is a sum of one Double per block in the order of the blocks: the
/// result has the same bits for every thread count. A step allocates nothing.
///
/// Elements of the buffers that belong to no tensor (padding between tensors) are left alone.
package final class Optimizer {
    /// The rule and its constants; its `learningRate` is not used, ``step(parameters:gradients:learningRate:pool:)``
    /// takes the scheduled one.
    package let options: OptimizerOptions
    /// Elements of the flat buffers.
    package let count: Int
    /// Steps taken so far. Set it when resuming, together with the buffers of ``state``.
    package var stepsTaken = 0
    /// Euclidean norm of the last step's gradient before clipping; nil before the first step and where clipping by
    /// norm is off. NaN or infinite where the gradient was.
    package private(set) var gradientNorm: Double?

    private let averagingDecay: Double?
    private let moments: [(name: String, buffer: AlignedBuffer<Float>)]
    private let average: AlignedBuffer<Float>?
    private let slow: AlignedBuffer<Float>?
    private let clipping: GradientClipping?
    private let sweep: OptimizerSweep
    private let stepper: any OptimizerStepper

    /// - Parameters:
    ///   - l2: λ ≥ 0 of the penalty `λ/2 · Σ w²` over tensors that decay.
    ///   - clipping: bound on the gradient, > 0.
    ///   - lookahead: nil for none.
    ///   - averagingDecay: d in (0, 1) of the moving average of the parameters; nil keeps none.
    ///   - tensors: disjoint places in the flat buffers, in any order.
    ///   - count: elements of the flat buffers; every tensor lies within.
    package convenience init(
        options: OptimizerOptions, l2: Double, clipping: GradientClipping?, lookahead: LookaheadOptions? = nil,
        averagingDecay: Double?, tensors: [ParameterTensor], count: Int
    ) {
        self.init(
            options: options, l2: l2, clipping: clipping, lookahead: lookahead, averagingDecay: averagingDecay,
            groups: [OptimizerGroup(tensors: tensors)], count: count)
    }

    /// - Parameters:
    ///   - groups: of tensors that move at one rate and begin at one step; disjoint places in the flat buffers.
    ///   - count: elements of the flat buffers; every tensor lies within.
    package init(
        options: OptimizerOptions, l2: Double, clipping: GradientClipping?, lookahead: LookaheadOptions? = nil,
        averagingDecay: Double?, groups: [OptimizerGroup], count: Int
    ) {
        precondition(l2 >= 0, "Optimizer: l2 must be at least 0, received \(l2)")
        switch clipping {
        case .norm(let bound), .value(let bound):
            precondition(bound > 0, "Optimizer: the bound of clipping must be above 0, received \(bound)")
        case nil: break
        }
        if let averagingDecay {
            precondition(
                averagingDecay > 0 && averagingDecay < 1,
                "Optimizer: averagingDecay must be in (0, 1), received \(averagingDecay)")
        }
        if let lookahead {
            precondition(
                lookahead.steps >= 1 && lookahead.alpha > 0 && lookahead.alpha <= 1,
                "Optimizer: lookahead needs steps of at least 1 and alpha in (0, 1]")
        }
        self.options = options
        self.count = count
        self.clipping = clipping
        self.averagingDecay = averagingDecay
        let m = options.hasMomentum ? AlignedBuffer<Float>(count: count) : nil
        let v = options.rule.initialSecondMoment.map { initial in
            let v = AlignedBuffer<Float>(count: count)
            if initial != 0 { for i in 0..<count { v[i] = initial } }
            return v
        }
        average = averagingDecay == nil ? nil : AlignedBuffer<Float>(count: count)
        slow = lookahead == nil ? nil : AlignedBuffer<Float>(count: count)
        moments = [("optimizer/m", m), ("optimizer/v", v)].compactMap { name, buffer in buffer.map { (name, $0) } }
        let blocks = OptimizerBlock.cut(groups, count: count, joins: options.rule is any ElementwiseRule)
        stepper = options.rule.stepper(
            OptimizerMemory(
                blocks: blocks, groups: groups, tensors: groups.flatMap(\.tensors), count: count, l2: Float(l2), m: m,
                v: v))
        sweep = OptimizerSweep(
            blocks: blocks, groups: groups, stepper: stepper, l2: Float(l2), average: average, slow: slow,
            lookaheadRate: Float(lookahead?.alpha ?? 0))
    }

    /// The buffers that, with ``stepsTaken``, a checkpoint must hold to continue with the same bits: `optimizer/m`,
    /// `optimizer/v`, `lookahead/slow`, `average/parameters`, as far as they exist.
    package var state: [(name: String, buffer: AlignedBuffer<Float>)] {
        moments
            + [("lookahead/slow", slow), ("average/parameters", average)].compactMap { name, buffer in
                buffer.map { (name, $0) }
            }
    }

    /// The moving average of the parameters; nil where none is kept, meaningless before the first step.
    package var averagedParameters: AlignedBuffer<Float>? { average }

    /// Decay of the moving average at step `step` (from 1): `min(d, (1 + t)/(10 + t))`, so that the average leaves the
    /// first, random weights quickly; TensorFlow's `ExponentialMovingAverage` with `num_updates`. Nil where no average
    /// is kept. Offered for whatever should be averaged alongside.
    package func averagingDecay(step: Int) -> Double? {
        averagingDecay.map { min($0, (1 + Double(step)) / (10 + Double(step))) }
    }

    /// Takes one step. The gradients are read and not changed.
    ///
    /// - Parameters:
    ///   - parameters: `[count]`, updated in place.
    ///   - gradients: `[count]`, of the mean loss.
    ///   - learningRate: scheduled rate η ≥ 0.
    ///   - momentum: scheduled momentum (β₁ of Adam) in [0, 1), instead of the one in ``options``.
    ///   - synchronizes: whether lookahead's slow weights follow after this step; says nothing without lookahead.
    package func step(
        parameters: AlignedBuffer<Float>, gradients: AlignedBuffer<Float>, learningRate: Double,
        momentum: Double? = nil, synchronizes: Bool = false, pool: WorkerPool
    ) {
        precondition(
            parameters.count == count && gradients.count == count,
            "Optimizer: expected buffers of \(count), received \(parameters.count) and \(gradients.count)")
        stepsTaken += 1
        sweep.parameters = parameters
        sweep.gradients = gradients
        sweep.step = stepsTaken
        sweep.filter = OptimizerKernels.GradientFilter()
        switch clipping {
        case .norm(let bound):
            sweep.phase = .squares
            pool.run(sweep, tasks: sweep.blocks.count)
            let norm = sweep.total.squareRoot()
            gradientNorm = norm
            // Also where the norm is NaN: the parameters must show it.
            if !(norm <= bound) { sweep.filter.scale = Float(bound / norm) }
        case .value(let bound): sweep.filter.bound = Float(bound)
        case nil: break
        }
        var rule = options.rule
        if momentum != nil, rule.cycledMomentum != nil { rule.cycledMomentum = momentum }
        sweep.phase = .update
        sweep.averagingRate = averagingDecay(step: stepsTaken).map { Float(1 - $0) }
        sweep.synchronizes = synchronizes
        if stepsTaken == 1 {
            average?.copy(from: parameters)
            slow?.copy(from: parameters)
        }
        stepper.prepare(
            rule, step: stepsTaken, learningRate: learningRate, filter: sweep.filter, w: parameters, g: gradients,
            pool: pool)
        pool.run(sweep, tasks: sweep.blocks.count)
        sweep.parameters = nil
        sweep.gradients = nil
    }

    /// Whether no parameter (or gradient) in `buffer` is NaN or infinite, tensor by tensor.
    package func isFinite(_ buffer: AlignedBuffer<Float>, pool: WorkerPool) -> Bool {
        precondition(buffer.count == count, "Optimizer: expected a buffer of \(count), received \(buffer.count)")
        sweep.parameters = buffer
        sweep.phase = .finite
        pool.run(sweep, tasks: sweep.blocks.count)
        sweep.parameters = nil
        return sweep.total == 0
    }
}
