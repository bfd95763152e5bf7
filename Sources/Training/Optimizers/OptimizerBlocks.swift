import Kernels
import NeuralNetwork
import Tensors
import Workers

/// Tensors that share a learning rate and the step at which they start to move.
public struct OptimizerGroup: Hashable, Sendable {
    /// The tensors, in any order.
    public var tensors: [ParameterTensor]
    /// The factor on the scheduled rate, > 0.
    public var rateFactor = 1.0
    /// The number of steps for which the tensors are frozen. Their own steps are counted from there.
    public var stepsBefore = 0

    /// Creates a group of tensors at the scheduled rate, or at a multiple of it.
    public init(tensors: [ParameterTensor], rateFactor: Double = 1, stepsBefore: Int = 0) {
        self.tensors = tensors
        self.rateFactor = rateFactor
        self.stepsBefore = stepsBefore
    }
}

/// A range of elements that one task updates.
public struct OptimizerBlock: Hashable {
    /// The elements in the flat buffers.
    public var range: Range<Int>
    /// Whether weight decay applies.
    public var decays: Bool
    /// The index of the block's group.
    public var group = 0

    /// The maximum number of elements: 64 KiB of each buffer, so that five of them fit in an L2 cache of 1 MiB.
    static let maximumCount = 16_384

    /// Returns the blocks of the groups' tensors in ascending order. If `joins`, adjacent tensors with the same decay
    /// and group are joined before they are split.
    static func cut(_ groups: [OptimizerGroup], count: Int, joins: Bool = true) -> [OptimizerBlock] {
        var runs: [OptimizerBlock] = []
        let tensors = groups.enumerated().flatMap { index, group in group.tensors.map { (tensor: $0, group: index) } }
        for (tensor, group) in tensors.sorted(by: { $0.tensor.offset < $1.tensor.offset }) where tensor.count > 0 {
            let end = runs.last?.range.upperBound ?? 0
            precondition(
                tensor.offset >= end && tensor.range.upperBound <= count,
                "Optimizer: tensor \(tensor.name) overlaps another or leaves the buffer of \(count)")
            if joins, let last = runs.last, last.decays == tensor.role.decays, last.group == group, end == tensor.offset
            {
                runs[runs.count - 1].range = last.range.lowerBound..<tensor.range.upperBound
            } else {
                runs.append(OptimizerBlock(range: tensor.range, decays: tensor.role.decays, group: group))
            }
        }
        return runs.flatMap { run in
            stride(from: run.range.lowerBound, to: run.range.upperBound, by: maximumCount).map { start in
                OptimizerBlock(
                    range: start..<min(start + maximumCount, run.range.upperBound), decays: run.decays,
                    group: run.group)
            }
        }
    }
}

/// The passes over the blocks, as parallel work for the pool.
final class OptimizerSweep: ParallelWork {
    enum Phase { case squares, finite, update }

    let blocks: [OptimizerBlock]
    private let groups: [OptimizerGroup]
    /// The optimizer's step, from 1.
    var step = 0
    var phase = Phase.squares
    var parameters, gradients: AlignedBuffer<Float>?
    var filter = OptimizerKernels.GradientFilter()
    var averagingRate: Float?
    /// Whether the slow weights are updated in this step.
    var synchronizes = false

    private let stepper: any OptimizerStepper
    private let l2: Float
    private let average, slow: AlignedBuffer<Float>?
    private let lookaheadRate: Float
    /// One partial sum per block.
    private let partialSums: AlignedBuffer<Double>

    init(
        blocks: [OptimizerBlock], groups: [OptimizerGroup], stepper: any OptimizerStepper, l2: Float,
        average: AlignedBuffer<Float>?,
        slow: AlignedBuffer<Float>?, lookaheadRate: Float
    ) {
        self.blocks = blocks
        self.groups = groups
        self.stepper = stepper
        self.slow = slow
        self.lookaheadRate = lookaheadRate
        self.l2 = l2
        self.average = average
        partialSums = AlignedBuffer(count: blocks.count)
    }

    /// The sum of the blocks' partial sums, in block order.
    var total: Double {
        var sum = 0.0
        for block in blocks.indices { sum += partialSums[block] }
        return sum
    }

    func run(task: Int, worker: Int) {
        let block = blocks[task]
        switch phase {
        case .squares:
            guard let gradients else { return }
            partialSums[task] = OptimizerKernels.sumOfSquares(block.range, x: gradients)
        case .finite:
            guard let parameters else { return }
            partialSums[task] = OptimizerKernels.isFinite(block.range, x: parameters) ? 0 : 1
        case .update:
            guard let parameters, let gradients else { return }
            update(task, block, w: parameters, g: gradients)
        }
    }

    private func update(_ task: Int, _ block: OptimizerBlock, w: AlignedBuffer<Float>, g: AlignedBuffer<Float>) {
        guard step > groups[block.group].stepsBefore else { return }
        var filter = filter
        filter.l2 = block.decays ? l2 : 0
        stepper.apply(task, w: w, g: g, filter: filter)
        if synchronizes, let slow {
            OptimizerKernels.average(block.range, a: slow, w: w, rate: lookaheadRate)
            OptimizerKernels.copy(block.range, from: slow, to: w)
        }
        if let average, let averagingRate {
            OptimizerKernels.average(block.range, a: average, w: w, rate: averagingRate)
        }
    }
}
