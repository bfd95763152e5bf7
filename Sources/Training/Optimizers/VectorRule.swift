import Kernels
import NeuralNetwork
import Tensors

/// A rule that updates each element independently, given by a formula for 16 of them at a time. The engine iterates
/// over the buffers, clips, adds L2, and keeps the moments between steps and in checkpoints.
///
/// ```swift
/// /// X. Chen et al. 2023, arXiv:2302.06675.
/// struct Lion: VectorRule {
///     …
///     func update(
///         _ w: inout SIMD16<Float>, _ g: SIMD16<Float>, m: inout SIMD16<Float>, v: inout SIMD16<Float>, _ c: Step
///     ) {
///         let direction = m * c.beta1 + g * (1 - c.beta1)
///         w -= sign(direction) * c.rate
///         m = m * c.beta2 + g * (1 - c.beta2)
///     }
/// }
/// ```
public protocol VectorRule: ElementwiseRule {
    /// The coefficients of a step's formula, rounded to `Float` once.
    associatedtype Coefficients: Sendable
    /// Returns the coefficients of step `number` (from 1) at rate `learningRate`.
    /// - Parameter decays: Whether the elements belong to tensors that decay.
    func coefficients(_ number: Int, learningRate: Double, decays: Bool) -> Coefficients
    /// Updates 16 elements. `m` and `v` are kept between steps if the rule has them (``OptimizerRule/cycledMomentum``
    /// and ``OptimizerRule/initialSecondMoment``), and are zero each time otherwise.
    /// - Parameter g: The gradient of the loss, clipped, L2 included.
    func update(
        _ w: inout SIMD16<Float>, _ g: SIMD16<Float>, m: inout SIMD16<Float>, v: inout SIMD16<Float>,
        _ coefficients: Coefficients)
    /// Updates the elements of `range`. There is one implementation, which the compiler specialises for each rule.
    func update(
        _ range: Range<Int>, w: AlignedBuffer<Float>, g: AlignedBuffer<Float>, m: AlignedBuffer<Float>?,
        v: AlignedBuffer<Float>?, filter: OptimizerKernels.GradientFilter, _ coefficients: Coefficients)
}

extension VectorRule {
    /// Updates 16 elements at a time, then once the remainder; subnormal moments are stored as zero.
    @inlinable
    public func update(
        _ range: Range<Int>, w: AlignedBuffer<Float>, g: AlignedBuffer<Float>, m: AlignedBuffer<Float>?,
        v: AlignedBuffer<Float>?, filter: OptimizerKernels.GradientFilter, _ coefficients: Coefficients
    ) {
        OptimizerKernels.update(range, w: w, g: g, m: m, v: v, filter: filter) {
            update(&$0, $1, m: &$2, v: &$3, coefficients)
        }
    }

    /// Returns the step that the formula defines.
    public func step(_ number: Int, learningRate: Double) -> any ElementwiseStep {
        VectorStep(
            rule: self, decaying: coefficients(number, learningRate: learningRate, decays: true),
            other: coefficients(number, learningRate: learningRate, decays: false))
    }

    /// No momentum to cycle, and no buffer for one.
    public var cycledMomentum: Double? {
        get { nil }
        set {}
    }
    /// No buffer for a second moment.
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
