import Formats
import Kernels
import Tensors
import Workers

extension OptimizerOptions {
    /// LAMB (You et al. 2019, arXiv:1904.00962): Adam's direction plus `λ·w`, rescaled for each weight tensor to the
    /// tensor's norm: `u = m̂/(√v̂ + ε) + λ·w`, `w ← w − η·(‖w‖/‖u‖)·u`. Biases and batch-norm take Adam's step,
    /// without decay or trust ratio.
    public static func lamb(
        learningRate: Double = 2e-3, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-6,
        weightDecay: Double = 1e-2
    ) -> OptimizerOptions {
        OptimizerOptions(
            LAMB(
                adam: Adam(learningRate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon),
                weightDecay: weightDecay))
    }
}

/// The rule of ``OptimizerOptions/lamb(learningRate:beta1:beta2:epsilon:weightDecay:)``.
package struct LAMB: DecayedAdam {
    package var adam = Adam(learningRate: 2e-3, epsilon: 1e-6)
    package var weightDecay = 1e-2

    package static let type = "lamb"
    package static var options: Section<LAMB> { options(LAMB()) }

    package func stepper(_ memory: OptimizerMemory) -> any OptimizerStepper { LAMBStepper(memory) }
}

/// Takes a step in three passes: the directions and their sums of squares, block by block; the trust ratios; the
/// update.
private final class LAMBStepper: OptimizerStepper, ParallelWork {
    private let memory: OptimizerMemory
    private let directions: TensorDirections
    /// The sums Σ w² and Σ u², by block.
    private let sums: AlignedBuffer<Double>
    /// Adam's steps by group; `nil` while the group is frozen.
    private var adam: [Adam.Step?] = []
    /// The learning rates by group.
    private var rates: [Float] = []
    private var filter = OptimizerKernels.GradientFilter()
    private var w, g: AlignedBuffer<Float>?

    init(_ memory: OptimizerMemory) {
        self.memory = memory
        directions = TensorDirections(memory)
        sums = AlignedBuffer(count: 2 * memory.blocks.count)
    }

    func prepare(
        _ rule: any OptimizerRule, step: Int, learningRate: Double, filter: OptimizerKernels.GradientFilter,
        w: AlignedBuffer<Float>, g: AlignedBuffer<Float>, pool: WorkerPool
    ) {
        guard let rule = rule as? LAMB else { preconditionFailure("Optimizer: LAMB steps with \(rule)") }
        rates = memory.groups.map { Float(learningRate * $0.rateFactor) }
        adam = memory.groups.map {
            step > $0.stepsBefore
                ? rule.adam.step(step - $0.stepsBefore, learningRate: 1, weightDecay: rule.weightDecay) : nil
        }
        (self.filter, self.w, self.g) = (filter, w, g)
        defer { (self.w, self.g) = (nil, nil) }
        pool.run(self, tasks: memory.blocks.count)
        joinNorms()
    }

    func run(task: Int, worker: Int) {
        let block = memory.blocks[task]
        guard let w, let g, let m = memory.m, let v = memory.v, let adam = adam[block.group] else { return }
        var filter = filter
        filter.l2 = block.decays ? memory.l2 : 0
        OptimizerKernels.adamDirection(
            block.range, w: w, g: g, m: m, v: v, u: directions.u, filter: filter,
            step: adam.coefficients(block))
        sums[2 * task] = OptimizerKernels.sumOfSquares(block.range, x: w)
        sums[2 * task + 1] = OptimizerKernels.sumOfSquares(block.range, x: directions.u)
    }

    /// Computes the trust ratios `‖w‖ / ‖u‖`: 1 if either norm is zero, and for tensors that do not decay.
    private func joinNorms() {
        for tensor in directions.tensors.indices { directions.factors[tensor] = 1 }
        var block = 0
        while block < memory.blocks.count {
            let tensor = directions.owners[block]
            var weights = 0.0, squares = 0.0
            while block < memory.blocks.count, directions.owners[block] == tensor {
                weights += sums[2 * block]
                squares += sums[2 * block + 1]
                block += 1
            }
            guard directions.tensors[tensor].role.decays, weights != 0, squares != 0 else { continue }
            directions.factors[tensor] = Float((weights / squares).squareRoot())
        }
    }

    func apply(
        _ block: Int, w: AlignedBuffer<Float>, g: AlignedBuffer<Float>, filter: OptimizerKernels.GradientFilter
    ) {
        let factor = directions.factors[directions.owners[block]], block = memory.blocks[block]
        OptimizerKernels.sgd(
            block.range, w: w, g: directions.u, filter: OptimizerKernels.GradientFilter(scale: factor),
            rate: rates[block.group])
    }
}
