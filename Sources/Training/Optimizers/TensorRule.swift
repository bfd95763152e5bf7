import Kernels
import NeuralNetwork
import Tensors
import Workers

/// The rules whose step on an element looks at its whole tensor. A first pass over all blocks writes directions `u`, then
/// norms are joined (LAMB) or matrices orthogonalised (Muon), and the optimizer's last pass takes the step.
///
/// Sums go block by block in order and a matrix belongs to one task: the same bits for every thread count.
final class TensorRule: ParallelWork {
    private enum Pass { case directions, matrices }

    /// A matrix `[rows, columns]` in the flat buffer, a convolution's kernel being `[kH·kW·inC, outC]`.
    private struct Matrix {
        var tensor: Int
        var offset, rows, columns: Int
        let scratch: AlignedBuffer<Float>
    }

    private let blocks: [OptimizerBlock]
    private let tensors: [ParameterTensor]
    /// Of each block, its tensor.
    private let owners: [Int]
    private let isMatrix: [Bool]
    private let matrices: [Matrix]
    private let m, v: AlignedBuffer<Float>
    private let u: AlignedBuffer<Float>
    /// By block: Σ w², Σ u².
    private let sums: AlignedBuffer<Double>
    /// By tensor: what the rate is multiplied with.
    private let factors: AlignedBuffer<Float>

    private var pass = Pass.directions
    private var options = OptimizerOptions.adam()
    private var rate: Float = 0
    private var decaying, other: OptimizerKernels.AdamStep
    private var filter = OptimizerKernels.GradientFilter()
    private var l2: Float
    private var w, g: AlignedBuffer<Float>?

    /// - Parameters:
    ///   - blocks: of ``OptimizerBlock/cut(_:count:joins:)`` without joining, so that each lies in one tensor.
    /// - Returns: nil for a rule that looks at elements alone.
    init?(
        _ options: OptimizerOptions, tensors: [ParameterTensor], blocks: [OptimizerBlock], count: Int, l2: Float,
        m: AlignedBuffer<Float>?, v: AlignedBuffer<Float>?
    ) {
        guard options.looksAtTensors, let m, let v else { return nil }
        let tensors = tensors.filter { $0.count > 0 }.sorted { $0.offset < $1.offset }
        self.blocks = blocks
        self.tensors = tensors
        self.l2 = l2
        self.m = m
        self.v = v
        var owner = 0
        owners = blocks.map { block in
            while tensors[owner].range.upperBound <= block.range.lowerBound { owner += 1 }
            return owner
        }
        var isMuon = false
        if case .muon = options { isMuon = true }
        isMatrix = tensors.map { isMuon && $0.role == .weight && $0.shape.count > 1 }
        matrices = zip(tensors.indices, isMatrix).compactMap { index, isMatrix in
            guard isMatrix, let columns = tensors[index].shape.last else { return nil }
            let rows = tensors[index].count / columns
            return Matrix(
                tensor: index, offset: tensors[index].offset, rows: rows, columns: columns,
                scratch: AlignedBuffer(count: NewtonSchulz.scratchFloats(rows: rows, columns: columns)))
        }
        u = AlignedBuffer(count: count)
        sums = AlignedBuffer(count: 2 * blocks.count)
        factors = AlignedBuffer(count: tensors.count)
        decaying = OptimizerKernels.AdamStep(
            step: 1, learningRate: 0, beta1: 0, beta2: 0, epsilon: 1, weightDecay: 0)
        other = decaying
    }

    /// Everything before the last pass.
    func prepare(
        _ options: OptimizerOptions, step: Int, learningRate: Double, filter: OptimizerKernels.GradientFilter,
        w: AlignedBuffer<Float>, g: AlignedBuffer<Float>, pool: WorkerPool
    ) {
        self.options = options
        self.filter = filter
        self.w = w
        self.g = g
        defer { (self.w, self.g) = (nil, nil) }
        rate = Float(learningRate)
        pass = .directions
        switch options {
        case .lamb(_, let beta1, let beta2, let epsilon, let decay):
            func direction(_ decay: Double) -> OptimizerKernels.AdamStep {
                OptimizerKernels.AdamStep(
                    step: step, learningRate: 1, beta1: beta1, beta2: beta2, epsilon: epsilon, weightDecay: decay)
            }
            (decaying, other) = (direction(decay), direction(0))
            pool.run(self, tasks: blocks.count)
            joinNorms()
        case .muon(let muon):
            func adam(_ decay: Double) -> OptimizerKernels.AdamStep {
                OptimizerKernels.AdamStep(
                    step: step, learningRate: learningRate * muon.adam.learningRate / muon.learningRate,
                    beta1: muon.adam.beta1, beta2: muon.adam.beta2, epsilon: muon.adam.epsilon, weightDecay: decay)
            }
            (decaying, other) = (adam(muon.weightDecay), adam(0))
            pool.run(self, tasks: blocks.count)
            pass = .matrices
            pool.run(self, tasks: matrices.count)
            for matrix in matrices {
                factors[matrix.tensor] = Float(max(1, Double(matrix.columns) / Double(matrix.rows)).squareRoot())
            }
        default: preconditionFailure("Optimizer: this rule looks at elements alone")
        }
    }

    /// LAMB's trust ratios `‖w‖ / ‖u‖`, 1 where either norm is zero and for tensors that do not decay.
    private func joinNorms() {
        for tensor in tensors.indices { factors[tensor] = 1 }
        var block = 0
        while block < blocks.count {
            let tensor = owners[block]
            var weights = 0.0, directions = 0.0
            while block < blocks.count, owners[block] == tensor {
                weights += sums[2 * block]
                directions += sums[2 * block + 1]
                block += 1
            }
            guard tensors[tensor].role.decays, weights != 0, directions != 0 else { continue }
            factors[tensor] = Float((weights / directions).squareRoot())
        }
    }

    func run(task: Int, worker: Int) {
        guard let w, let g else { return }
        if pass == .matrices {
            let matrix = matrices[task]
            NewtonSchulz.orthogonalize(
                u, at: matrix.offset, rows: matrix.rows, columns: matrix.columns, scratch: matrix.scratch)
            return
        }
        let block = blocks[task]
        var filter = filter
        filter.l2 = block.decays ? l2 : 0
        switch options {
        case .lamb:
            OptimizerKernels.adamDirection(
                block.range, w: w, g: g, m: m, v: v, u: u, filter: filter, step: block.decays ? decaying : other)
            sums[2 * task] = OptimizerKernels.sumOfSquares(block.range, x: w)
            sums[2 * task + 1] = OptimizerKernels.sumOfSquares(block.range, x: u)
        case .muon(let muon):
            guard isMatrix[owners[task]] else { return }
            OptimizerKernels.muonDirection(
                block.range, w: w, g: g, m: m, u: u, filter: filter, momentum: muon.momentum, nesterov: muon.nesterov)
        default: break
        }
    }

    /// The last pass over block `index`.
    /// - Parameter filter: for the block, L2 included.
    func apply(
        _ index: Int, w: AlignedBuffer<Float>, g: AlignedBuffer<Float>, filter: OptimizerKernels.GradientFilter
    ) {
        let block = blocks[index], tensor = owners[index]
        switch options {
        case .lamb:
            OptimizerKernels.sgd(
                block.range, w: w, g: u, filter: OptimizerKernels.GradientFilter(scale: factors[tensor]), rate: rate)
        case .muon(let muon):
            guard isMatrix[tensor] else {
                OptimizerKernels.adam(
                    block.range, w: w, g: g, m: m, v: v, filter: filter, step: block.decays ? decaying : other)
                return
            }
            OptimizerKernels.sgd(
                block.range, w: w, g: u,
                filter: OptimizerKernels.GradientFilter(scale: factors[tensor], l2: Float(muon.weightDecay)), rate: rate
            )
        default: break
        }
    }
}
