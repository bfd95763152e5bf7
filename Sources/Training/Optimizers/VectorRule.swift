import Kernels
import NeuralNetwork
import Tensors

/// A rule that moves each element by itself, given by its formula on 16 of them at a time. The engine goes over the buffers, clips,
/// adds L2, and keeps the moments from step to step and in checkpoints.
///
/// ```swift
/// /// X. Chen et al. 2023, arXiv:2302.06675.
/// struct Lion: VectorRule {
///     …
///     func update(_ w: inout SIMD16<Float>, _ g: SIMD16<Float>, m: inout SIMD16<Float>, v: inout SIMD16<Float>, _ c: Step) {
///         let direction = m * c.beta1 + g * (1 - c.beta1)
///         w -= sign(direction) * c.rate
///         m = m * c.beta2 + g * (1 - c.beta2)
///     }
/// }
/// ```
public protocol VectorRule: ElementwiseRule {
    /// What a step's formula needs, rounded to `Float` once.
    associatedtype Coefficients: Sendable
    /// Of step `number` (from 1) at rate `learningRate`.
    /// - Parameter decays: whether the elements are of tensors that decay.
    func coefficients(_ number: Int, learningRate: Double, decays: Bool) -> Coefficients
    /// Moves 16 elements. `m` and `v` are kept where the rule has them (``OptimizerRule/cycledMomentum`` and
    /// ``OptimizerRule/initialSecondMoment``), and else zero each time.
    /// - Parameter g: the gradient of the loss, clipped, L2 included.
    func update(
        _ w: inout SIMD16<Float>, _ g: SIMD16<Float>, m: inout SIMD16<Float>, v: inout SIMD16<Float>,
        _ coefficients: Coefficients)
    /// Moves the elements of `range`. There is one implementation, which the compiler makes for each rule.
    func update(
        _ range: Range<Int>, w: AlignedBuffer<Float>, g: AlignedBuffer<Float>, m: AlignedBuffer<Float>?,
        v: AlignedBuffer<Float>?, filter: OptimizerKernels.GradientFilter, _ coefficients: Coefficients)
}

extension VectorRule {
    /// 16 elements at a time, then once what remains; moments that are subnormal are kept as zero.
    @inlinable
    public func update(
        _ range: Range<Int>, w: AlignedBuffer<Float>, g: AlignedBuffer<Float>, m: AlignedBuffer<Float>?,
        v: AlignedBuffer<Float>?, filter: OptimizerKernels.GradientFilter, _ coefficients: Coefficients
    ) {
        OptimizerKernels.update(range, w: w, g: g, m: m, v: v, filter: filter) {
            update(&$0, $1, m: &$2, v: &$3, coefficients)
        }
    }

    /// The formula's step.
    public func step(_ number: Int, learningRate: Double) -> any ElementwiseStep {
        VectorStep(
            rule: self, decaying: coefficients(number, learningRate: learningRate, decays: true),
            other: coefficients(number, learningRate: learningRate, decays: false))
    }

    /// None to cycle, and none kept.
    public var cycledMomentum: Double? {
        get { nil }
        set {}
    }
    /// None kept.
    public var initialSecondMoment: Float? { nil }
}

private struct VectorStep<Rule: VectorRule>: ElementwiseStep {
    let rule: Rule
    let decaying, other: Rule.Coefficients

    func apply(
        _ block: OptimizerBlock, w: AlignedBuffer<Float>, g: AlignedBuffer<Float>, memory: OptimizerMemory,
        filter: OptimizerKernels.GradientFilter
    ) {
        rule.update(
            block.range, w: w, g: g, m: memory.m, v: memory.v, filter: filter, block.decays ? decaying : other)
    }
}
