import Formats
import Kernels
import Tensors
import Workers

extension OptimizerOptions {
    /// Muon: orthogonalised momentum for matrices, Adam for the rest; see ``MuonOptions``.
    public static func muon(_ options: MuonOptions = MuonOptions()) -> OptimizerOptions { OptimizerOptions(options) }

    /// The constants of Muon (Jordan et al. 2024), as in `torch.optim.Muon`: with momentum `m ← μ·m + (1 − μ)·g`, whose
    /// matrix (a convolution's kernel as `[kH·kW·inC, outC]`) is orthogonalised to `o` by five Newton–Schulz iterations
    /// (`NewtonSchulz`), the step is `w ← w − η·(√max(1, out/in)·o + λ·w)`. Tensors that are not matrices are left to
    /// Adam.
    public struct MuonOptions: Hashable, Sendable {
        /// The constants of Adam for biases and batch-norm; its rate follows the schedule too.
        public struct Adam: Hashable, Sendable {
            /// The learning rate η > 0, before the schedule.
            public var learningRate: Double
            /// The decay β₁ of the first moment, in [0, 1).
            public var beta1: Double
            /// The decay β₂ of the second moment, in [0, 1).
            public var beta2: Double
            /// The constant ε > 0, added outside the root.
            public var epsilon: Double

            /// Creates Adam's constants.
            public init(
                learningRate: Double = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8
            ) {
                self.learningRate = learningRate
                self.beta1 = beta1
                self.beta2 = beta2
                self.epsilon = epsilon
            }
        }

        /// The learning rate η > 0 of the matrices, before the schedule.
        public var learningRate: Double
        /// The momentum μ in [0, 1).
        public var momentum: Double
        /// Whether to use Nesterov momentum.
        public var nesterov: Bool
        /// The weight decay λ of the matrices.
        public var weightDecay: Double
        /// The constants of Adam for tensors that are not matrices.
        public var adam: Adam

        /// Creates Muon's constants.
        public init(
            learningRate: Double = 0.02, momentum: Double = 0.95, nesterov: Bool = true, weightDecay: Double = 0,
            adam: Adam = Adam()
        ) {
            self.learningRate = learningRate
            self.momentum = momentum
            self.nesterov = nesterov
            self.weightDecay = weightDecay
            self.adam = adam
        }
    }
}

extension OptimizerOptions.MuonOptions.Adam {
    fileprivate typealias Rule = Training.Adam

    /// The same constants as a rule.
    fileprivate var rule: Rule {
        get { Rule(learningRate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon) }
        set {
            (learningRate, beta1, beta2, epsilon) = (
                newValue.learningRate, newValue.beta1, newValue.beta2, newValue.epsilon
            )
        }
    }
}

extension OptimizerOptions.MuonOptions: OptimizerRule {
    /// The rule's name in configurations, `muon`.
    public static let type = "muon"
    /// The rule's keys in configurations.
    public static var options: Section<Self> {
        let adam = Section<Adam>(initial: Adam(), fields: Adam.Rule.options.fields.map { $0.within(\.rule) })
        return Section(
            initial: Self(),
            fields: [
                .learningRate(\.learningRate),
                .key("momentum", \.momentum, .number(.below(0, 1)), "Part of the mean gradient that is kept."),
                .key("nesterov", \.nesterov, .boolean, "Whether the momentum looks ahead."),
                .key("weightDecay", \.weightDecay, .number(.closed(0, 1)), "Decoupled decay of weights."),
                .key("adam", \.adam, adam.codec, "For what is no matrix: biases and batch-norm."),
            ])
    }

    /// The momentum of the matrices.
    public var cycledMomentum: Double? {
        get { momentum }
        set { if let newValue { momentum = newValue } }
    }
    /// The initial second moment of the AdamW that updates tensors that are not matrices.
    public var initialSecondMoment: Float? { 0 }

    /// Returns a stepper that updates matrices by Newton–Schulz and other tensors by AdamW.
    public func stepper(_ memory: OptimizerMemory) -> any OptimizerStepper { MuonStepper(memory) }
}

/// Takes a step in three passes: the directions of all matrices, block by block; their orthogonalisation, each by one
/// task; the update.
private final class MuonStepper: OptimizerStepper, ParallelWork {
    private enum Pass { case directions, matrices }

    /// A matrix `[rows, columns]` in the flat buffer; a convolution's kernel is `[kH·kW·inC, outC]`.
    private struct Matrix {
        var tensor: Int
        var group: Int
        var offset, rows, columns: Int
        let scratch: AlignedBuffer<Float>
    }

    private let memory: OptimizerMemory
    private let directions: TensorDirections
    private let isMatrix: [Bool]
    private let matrices: [Matrix]
    private var pass = Pass.directions
    private var muon = OptimizerOptions.MuonOptions()
    /// Adam's steps by group; `nil` while the group is frozen.
    private var adam: [Adam.Step?] = []
    /// The learning rates by group.
    private var rates: [Float] = []
    private var filter = OptimizerKernels.GradientFilter()
    private var w, g: AlignedBuffer<Float>?

    init(_ memory: OptimizerMemory) {
        self.memory = memory
        let directions = TensorDirections(memory), tensors = directions.tensors
        self.directions = directions
        isMatrix = tensors.map { $0.role == .weight && $0.shape.count > 1 }
        matrices = zip(tensors.indices, isMatrix).compactMap { index, isMatrix in
            guard isMatrix, let columns = tensors[index].shape.last else { return nil }
            let rows = tensors[index].count / columns
            return Matrix(
                tensor: index, group: memory.groups.firstIndex { $0.tensors.contains(tensors[index]) } ?? 0,
                offset: tensors[index].offset, rows: rows, columns: columns,
                scratch: AlignedBuffer(count: NewtonSchulz.scratchFloats(rows: rows, columns: columns)))
        }
    }

    func prepare(
        _ rule: any OptimizerRule, step: Int, learningRate: Double, filter: OptimizerKernels.GradientFilter,
        w: AlignedBuffer<Float>, g: AlignedBuffer<Float>, pool: WorkerPool
    ) {
        guard let muon = rule as? OptimizerOptions.MuonOptions else {
            preconditionFailure("Optimizer: Muon steps with \(rule)")
        }
        self.muon = muon
        rates = memory.groups.map { Float(learningRate * $0.rateFactor) }
        let adamRate = learningRate * muon.adam.learningRate / muon.learningRate
        adam = memory.groups.map {
            step > $0.stepsBefore
                ? muon.adam.rule.step(
                    step - $0.stepsBefore, learningRate: adamRate * $0.rateFactor, weightDecay: muon.weightDecay) : nil
        }
        (self.filter, self.w, self.g) = (filter, w, g)
        defer { (self.w, self.g) = (nil, nil) }
        pass = .directions
        pool.run(self, tasks: memory.blocks.count)
        pass = .matrices
        pool.run(self, tasks: matrices.count)
        for matrix in matrices {
            directions.factors[matrix.tensor] = Float(
                max(1, Double(matrix.columns) / Double(matrix.rows)).squareRoot())
        }
    }

    func run(task: Int, worker: Int) {
        if pass == .matrices {
            let matrix = matrices[task]
            guard adam[matrix.group] != nil else { return }
            NewtonSchulz.orthogonalize(
                directions.u, at: matrix.offset, rows: matrix.rows, columns: matrix.columns, scratch: matrix.scratch)
            return
        }
        let block = memory.blocks[task]
        guard let w, let g, let m = memory.m, isMatrix[directions.owners[task]], adam[block.group] != nil else {
            return
        }
        var filter = filter
        filter.l2 = block.decays ? memory.l2 : 0
        OptimizerKernels.muonDirection(
            block.range, w: w, g: g, m: m, u: directions.u, filter: filter, momentum: muon.momentum,
            nesterov: muon.nesterov)
    }

    func apply(
        _ block: Int, w: AlignedBuffer<Float>, g: AlignedBuffer<Float>, filter: OptimizerKernels.GradientFilter
    ) {
        let tensor = directions.owners[block], block = memory.blocks[block]
        guard isMatrix[tensor] else {
            guard let m = memory.m, let v = memory.v, let adam = adam[block.group] else { return }
            OptimizerKernels.adam(
                block.range, w: w, g: g, m: m, v: v, filter: filter, step: adam.coefficients(block))
            return
        }
        OptimizerKernels.sgd(
            block.range, w: w, g: directions.u,
            filter: OptimizerKernels.GradientFilter(scale: directions.factors[tensor], l2: Float(muon.weightDecay)),
            rate: rates[block.group])
    }
}
