import Formats
import Kernels
import NeuralNetwork
import Tensors
import Workers

/// An update rule for the weights: its constants and their keys in a configuration, the state it keeps between steps,
/// and the step. Each file in `Rules` contains one; ``OptimizerOptions/register(_:)`` adds others, for which
/// ``VectorRule`` requires only a formula.
public protocol OptimizerRule: ConfigurationKind {
    /// The learning rate η > 0, the peak that the schedule scales.
    var learningRate: Double { get }
    /// The momentum (β₁ for Adam) that a schedule can cycle, in [0, 1); `nil` if there is none, in which case there is
    /// no buffer `m` either.
    var cycledMomentum: Double? { get set }
    /// The initial value of the buffer `v`'s elements; `nil` if there is no such buffer.
    var initialSecondMoment: Float? { get }

    /// Returns the object that takes the rule's steps in these buffers.
    func stepper(_ memory: OptimizerMemory) -> any OptimizerStepper
}

/// A rule whose step on an element depends on that element alone.
public protocol ElementwiseRule: OptimizerRule {
    /// Returns step `number` (from 1) at rate `learningRate`, with its coefficients rounded to `Float` once.
    func step(_ number: Int, learningRate: Double) -> any ElementwiseStep
}

extension ElementwiseRule {
    /// Returns a stepper that updates each block independently.
    public func stepper(_ memory: OptimizerMemory) -> any OptimizerStepper { ElementwiseStepper(memory) }
}

/// One step of an ``ElementwiseRule``.
public protocol ElementwiseStep: Sendable {
    /// Updates the elements of `block`.
    func apply(
        _ block: OptimizerBlock, w: AlignedBuffer<Float>, g: AlignedBuffer<Float>, memory: OptimizerMemory,
        filter: OptimizerKernels.GradientFilter)
}

/// The tensors that a rule updates, and the buffers that it keeps between steps.
public struct OptimizerMemory {
    /// The blocks in ascending order; joined across tensors if the ``OptimizerRule`` looks at single elements only.
    public let blocks: [OptimizerBlock]
    /// The groups of tensors that share a rate and a first step.
    public let groups: [OptimizerGroup]
    /// The tensors that the rule updates.
    public let tensors: [ParameterTensor]
    /// The number of elements in the flat buffers.
    public let count: Int
    /// The coefficient λ of the penalty on tensors that decay.
    public let l2: Float
    /// The first moment, or the velocity of momentum.
    public let m: AlignedBuffer<Float>?
    /// The running mean, or sum, of squared gradients.
    public let v: AlignedBuffer<Float>?
}

/// An object that takes the steps of one optimizer. ``prepare(_:step:learningRate:filter:w:g:pool:)`` is called once
/// per step, then ``apply(_:w:g:filter:)`` once for each block, from any thread.
public protocol OptimizerStepper: AnyObject {
    /// Prepares a step.
    func prepare(
        _ rule: any OptimizerRule, step: Int, learningRate: Double, filter: OptimizerKernels.GradientFilter,
        w: AlignedBuffer<Float>, g: AlignedBuffer<Float>, pool: WorkerPool)
    /// Updates the elements of a block. Not called for blocks of groups that are still frozen.
    /// - Parameter filter: The filter for the block, L2 included.
    func apply(
        _ block: Int, w: AlignedBuffer<Float>, g: AlignedBuffer<Float>, filter: OptimizerKernels.GradientFilter)
}

private final class ElementwiseStepper: OptimizerStepper {
    private let memory: OptimizerMemory
    /// The steps by group; `nil` while the group is frozen.
    private var steps: [(any ElementwiseStep)?] = []

    init(_ memory: OptimizerMemory) { self.memory = memory }

    func prepare(
        _ rule: any OptimizerRule, step: Int, learningRate: Double, filter: OptimizerKernels.GradientFilter,
        w: AlignedBuffer<Float>, g: AlignedBuffer<Float>, pool: WorkerPool
    ) {
        guard let rule = rule as? any ElementwiseRule else { return }
        steps = memory.groups.map { group in
            step > group.stepsBefore
                ? rule.step(step - group.stepsBefore, learningRate: learningRate * group.rateFactor) : nil
        }
    }

    func apply(
        _ block: Int, w: AlignedBuffer<Float>, g: AlignedBuffer<Float>, filter: OptimizerKernels.GradientFilter
    ) {
        let block = memory.blocks[block]
        steps[block.group]?.apply(block, w: w, g: g, memory: memory, filter: filter)
    }
}

/// The state of rules that look at whole tensors: a direction `u` for each element, and a factor on it for each tensor.
///
/// Each of their blocks lies within one tensor. Sums are taken block by block in order: the same bits for every thread
/// count.
struct TensorDirections {
    let tensors: [ParameterTensor]
    /// The tensor of each block.
    let owners: [Int]
    let u: AlignedBuffer<Float>
    /// The factor on the rate, by tensor.
    let factors: AlignedBuffer<Float>

    init(_ memory: OptimizerMemory) {
        let tensors = memory.tensors.filter { $0.count > 0 }.sorted { $0.offset < $1.offset }
        self.tensors = tensors
        var owner = 0
        owners = memory.blocks.map { block in
            while tensors[owner].range.upperBound <= block.range.lowerBound { owner += 1 }
            return owner
        }
        u = AlignedBuffer(count: memory.count)
        factors = AlignedBuffer(count: tensors.count)
    }
}

extension Field {
    /// Returns the key of a rule's learning rate.
    public static func learningRate(
        _ place: any WritableKeyPath<Root, Double> & Sendable, isRequired: Bool = false
    ) -> Field {
        .key(
            "learningRate", place, .number(.above(0, 100)), isRequired: isRequired,
            "Peak learning rate, which the schedule scales.")
    }

    /// Returns the key of the momentum of SGD and similar rules.
    public static func momentum(_ place: any WritableKeyPath<Root, Double> & Sendable) -> Field {
        .key("momentum", place, .number(.below(0, 1)), "Part of the last step that is kept.")
    }

    /// Returns the key of decoupled weight decay.
    public static func weightDecay(_ place: any WritableKeyPath<Root, Double> & Sendable) -> Field {
        .key(
            "weightDecay", place, .number(.closed(0, 1)),
            "Decoupled decay of weights; biases and batch-norm are spared.")
    }
}
