import Kernels
import NeuralNetwork
import Tensors
import Workers

/// Updates the parameters from their gradients, in one pass over flat buffers that are split into fixed blocks.
///
/// One step, for every element of every tensor:
/// 1. The gradient of the loss is clipped (by global norm or by value).
/// 2. L2 adds `l2 · w` on tensors that decay (so the penalty is not clipped, as in PyTorch).
/// 3. The rule of ``OptimizerOptions`` updates `w` and its moments.
/// 4. When it is due, the slow weights of ``LookaheadOptions`` are updated, and `w` is reset to them.
/// 5. The moving average is updated: `a ← a + (1 − d)(w − a)`.
///
/// Blocks depend only on the tensors, and the norm is a sum of one Double per block, in block order: the result has the
/// same bits for every thread count. A step allocates no buffers.
///
/// Elements of the buffers that belong to no tensor (padding between tensors) are not touched.
package final class Optimizer {
    /// The rule and its constants. Its `learningRate` is not used; ``step(parameters:gradients:learningRate:momentum:synchronizes:pool:)``
    /// takes the scheduled one.
    package let options: OptimizerOptions
    /// The number of elements in the flat buffers.
    package let count: Int
    /// The number of steps taken so far. To be set when resuming, together with the buffers of ``state``.
    package var stepsTaken = 0
    /// The Euclidean norm of the last step's gradient before clipping; `nil` before the first step and if clipping by
    /// norm is off. NaN or infinite if the gradient was.
    package private(set) var gradientNorm: Double?

    private let averagingDecay: Double?
    private let moments: [(name: String, buffer: AlignedBuffer<Float>)]
    private let average: AlignedBuffer<Float>?
    private let slow: AlignedBuffer<Float>?
    private let clipping: GradientClipping?
    private let sweep: OptimizerSweep
    private let stepper: any OptimizerStepper

    /// - Parameters:
    ///   - l2: The coefficient λ ≥ 0 of the penalty `λ/2 · Σ w²` over tensors that decay.
    ///   - clipping: The bound on the gradient, > 0.
    ///   - lookahead: The options of lookahead; `nil` for none.
    ///   - averagingDecay: The decay d in (0, 1) of the moving average of the parameters; `nil` keeps none.
    ///   - tensors: The tensors, at disjoint places in the flat buffers, in any order.
    ///   - count: The number of elements in the flat buffers, which contain every tensor.
    package convenience init(
        options: OptimizerOptions, l2: Double, clipping: GradientClipping?, lookahead: LookaheadOptions? = nil,
        averagingDecay: Double?, tensors: [ParameterTensor], count: Int
    ) {
        self.init(
            options: options, l2: l2, clipping: clipping, lookahead: lookahead, averagingDecay: averagingDecay,
            groups: [OptimizerGroup(tensors: tensors)], count: count)
    }

    /// - Parameters:
    ///   - groups: The groups of tensors that share a rate and a first step, at disjoint places in the flat buffers.
    ///   - count: The number of elements in the flat buffers, which contain every tensor.
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

    /// The buffers that a checkpoint must contain, along with ``stepsTaken``, to resume with the same bits: those of
    /// `optimizer/m`, `optimizer/v`, `lookahead/slow` and `average/parameters` that exist.
    package var state: [(name: String, buffer: AlignedBuffer<Float>)] {
        moments
            + [("lookahead/slow", slow), ("average/parameters", average)].compactMap { name, buffer in
                buffer.map { (name, $0) }
            }
    }

    /// The moving average of the parameters; `nil` if none is kept, meaningless before the first step.
    package var averagedParameters: AlignedBuffer<Float>? { average }

    /// Returns the decay of the moving average at step `step` (from 1), or `nil` if no average is kept:
    /// `min(d, (1 + t)/(10 + t))`, so that the average quickly forgets the first, random weights, as TensorFlow's
    /// `ExponentialMovingAverage` does with `num_updates`. Meant for whatever else is averaged alongside.
    package func averagingDecay(step: Int) -> Double? {
        averagingDecay.map { min($0, (1 + Double(step)) / (10 + Double(step))) }
    }

    /// Takes one step. The gradients are not changed.
    ///
    /// - Parameters:
    ///   - parameters: The parameters `[count]`, updated in place.
    ///   - gradients: The gradients `[count]` of the mean loss.
    ///   - learningRate: The scheduled rate η ≥ 0.
    ///   - momentum: The scheduled momentum (β₁ for Adam) in [0, 1), which replaces the one in ``options``.
    ///   - synchronizes: Whether lookahead's slow weights are updated after this step; ignored without lookahead.
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
            // Also if the norm is NaN: the parameters must show it.
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

    /// Returns whether no parameter (or gradient) in `buffer` is NaN or infinite, ignoring elements outside the
    /// tensors.
    package func isFinite(_ buffer: AlignedBuffer<Float>, pool: WorkerPool) -> Bool {
        precondition(buffer.count == count, "Optimizer: expected a buffer of \(count), received \(buffer.count)")
        sweep.parameters = buffer
        sweep.phase = .finite
        pool.run(sweep, tasks: sweep.blocks.count)
        sweep.parameters = nil
        return sweep.total == 0
    }
}
