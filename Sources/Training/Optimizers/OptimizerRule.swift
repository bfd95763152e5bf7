import Formats
import Kernels
import NeuralNetwork
import Tensors
import Workers

/// All there is to a way of moving the weights: its constants and their keys in a configuration, what it carries from step
/// to step, and the step. One file of `Rules` holds one; ``OptimizerOptions/register(_:)`` adds others, for
/// which ``VectorRule`` asks for a formula alone.
public protocol OptimizerRule: ConfigurationKind {
    /// η > 0, the peak that the schedule scales.
    var learningRate: Double { get }
    /// The momentum (β₁ of Adam) that a schedule can cycle, in [0, 1); nil where there is none, and then there is no buffer
    /// `m` either.
    var cycledMomentum: Double? { get set }
    /// What each element of the buffer `v` begins with; nil where there is no such buffer.
    var initialSecondMoment: Float? { get }

    /// What takes its steps in these buffers.
    func stepper(_ memory: OptimizerMemory) -> any OptimizerStepper
}

/// A rule whose step on an element looks at that element alone.
public protocol ElementwiseRule: OptimizerRule {
    /// Step `number` (from 1) at rate `learningRate`, its coefficients rounded to `Float` once.
    func step(_ number: Int, learningRate: Double) -> any ElementwiseStep
}

extension ElementwiseRule {
    /// A pass over the blocks, each by itself.
    public func stepper(_ memory: OptimizerMemory) -> any OptimizerStepper { ElementwiseStepper(memory) }
}

/// One step of an ``ElementwiseRule``.
public protocol ElementwiseStep: Sendable {
    /// Moves the elements of `block`.
    func apply(
        _ block: OptimizerBlock, w: AlignedBuffer<Float>, g: AlignedBuffer<Float>, memory: OptimizerMemory,
        filter: OptimizerKernels.GradientFilter)
}

/// The places a rule works on, and the buffers that it carries from step to step.
public struct OptimizerMemory {
    /// In ascending order; joined over tensors where ``OptimizerRule`` looks at elements alone.
    public let blocks: [OptimizerBlock]
    /// Tensors that move at one rate, from one step on.
    public let groups: [OptimizerGroup]
    /// Those that the rule moves.
    public let tensors: [ParameterTensor]
    /// Elements of the flat buffers.
    public let count: Int
    /// λ of the penalty on tensors that decay.
    public let l2: Float
    /// The first moment, or the velocity of momentum.
    public let m: AlignedBuffer<Float>?
    /// The running mean, or sum, of squared gradients.
    public let v: AlignedBuffer<Float>?
}

/// Takes the steps of one optimizer. ``prepare(_:step:learningRate:filter:w:g:pool:)`` comes once a step, then
/// ``apply(_:w:g:filter:)`` once for each block, from any thread.
public protocol OptimizerStepper: AnyObject {
    /// A step begins.
    func prepare(
        _ rule: any OptimizerRule, step: Int, learningRate: Double, filter: OptimizerKernels.GradientFilter,
        w: AlignedBuffer<Float>, g: AlignedBuffer<Float>, pool: WorkerPool)
    /// Not called for blocks of groups that have not begun.
    /// - Parameter filter: for the block, L2 included.
    func apply(
        _ block: Int, w: AlignedBuffer<Float>, g: AlignedBuffer<Float>, filter: OptimizerKernels.GradientFilter)
}

private final class ElementwiseStepper: OptimizerStepper {
    private let memory: OptimizerMemory
    /// By group; nil where it has not begun.
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

/// What rules need that look at whole tensors: a direction `u` for each element, and for each tensor a factor on it.
///
/// Their blocks each lie in one tensor. Sums go block by block in order: the same bits for every thread count.
struct TensorDirections {
    let tensors: [ParameterTensor]
    /// Of each block, its tensor.
    let owners: [Int]
    let u: AlignedBuffer<Float>
    /// By tensor: what the rate is multiplied with.
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
    /// The key of a rule's rate.
    public static func learningRate(
        _ place: any WritableKeyPath<Root, Double> & Sendable, isRequired: Bool = false
    ) -> Field {
        .key(
            "learningRate", place, .number(.above(0, 100)), isRequired: isRequired,
            "Peak learning rate, which the schedule scales.")
    }

    /// The key of the momentum of SGD and its kin.
    public static func momentum(_ place: any WritableKeyPath<Root, Double> & Sendable) -> Field {
        .key("momentum", place, .number(.below(0, 1)), "Part of the last step that is kept.")
    }

    /// The key of decoupled decay.
    public static func weightDecay(_ place: any WritableKeyPath<Root, Double> & Sendable) -> Field {
        .key(
            "weightDecay", place, .number(.closed(0, 1)),
            "Decoupled decay of weights; biases and batch-norm are spared.")
    }
}
