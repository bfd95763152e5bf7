import Foundation
import Kernels
import Tensors

/// How the range of a layer's quantized input is chosen.
package enum CalibrationMethod: String, CaseIterable, Sendable {
    /// From the smallest to the largest value seen.
    case minMax
    /// All but a ten-thousandth of the values at each end.
    case percentile
    /// The range that loses least of the values' distribution: Migacz, "8-bit inference with TensorRT", GPU Technology
    /// Conference, 2017.
    case entropy
}

/// A histogram of the activations between two layers.
package struct ActivationHistogram: Sendable {
    private static let binCount = 8192
    /// The number of magnitude bins, for the entropy, and the fewest of them that may be kept.
    private static let magnitudeBins = 2048, fewestMagnitudes = 256
    private static let outside = 1e-4

    package let low, high: Float
    private var bins = [Int](repeating: 0, count: binCount)
    private var magnitudes = [Int](repeating: 0, count: magnitudeBins)

    /// - Precondition: Both are finite, and `low` ≤ `high`.
    package init(low: Float, high: Float) {
        precondition(low.isFinite && high.isFinite && low <= high, "a finite range")
        self.low = low
        self.high = high
    }

    /// Returns the smallest and the largest of the first `count` values, or `nil` if any is not finite.
    package static func range(_ values: AlignedBuffer<Float>, count: Int) -> (low: Float, high: Float)? {
        precondition(count <= values.count, "as many numbers as there are")
        let x = values.pointer
        var low = Float.infinity, high = -Float.infinity, sum: Float = 0
        for i in 0..<count {
            let value = x[i]
            low = value < low ? value : low
            high = value > high ? value : high
            sum += value * 0  // NaN if any value is not finite
        }
        return sum == 0 && low.isFinite && high.isFinite ? (low, high) : nil
    }

    /// Whether the range is neither empty nor so small or large that the width of its bins is not a valid number.
    private var isCounted: Bool { high - low > 1e-30 && (high - low).isFinite }

    /// Counts the first `count` values, all of which lie in the range.
    package mutating func add(_ values: AlignedBuffer<Float>, count: Int) {
        precondition(count <= values.count, "as many numbers as there are")
        let x = values.pointer
        guard isCounted else { return }
        let scale = Float(Self.binCount) / (high - low), shift = low
        let magnitudeScale = Float(Self.magnitudeBins) / max(abs(low), abs(high))
        for i in 0..<count {
            bins[min(Self.binCount - 1, max(0, Int((x[i] - shift) * scale)))] += 1
            magnitudes[min(Self.magnitudeBins - 1, Int(abs(x[i]) * magnitudeScale))] += 1
        }
    }

    /// Returns the scale of the bytes, among whose values is always 0.
    package func scale(_ method: CalibrationMethod) -> ByteScale {
        guard isCounted else { return Self.scale(low: low, high: high) }
        switch method {
        case .minMax: return Self.scale(low: low, high: high)
        case .percentile:
            let width = (high - low) / Float(Self.binCount), allowed = Int(Double(bins.reduce(0, +)) * Self.outside)
            func cut(_ order: some Sequence<Int>) -> Int {
                var seen = 0, cut = 0
                for bin in order {
                    seen += bins[bin]
                    if seen > allowed { break }
                    cut += 1
                }
                return cut
            }
            return Self.scale(
                low: low + width * Float(cut(bins.indices)), high: high - width * Float(cut(bins.indices.reversed())))
        case .entropy:
            let largest = max(abs(low), abs(high))
            let limit = largest * Float(entropyBins()) / Float(Self.magnitudeBins)
            return Self.scale(low: max(low, -limit), high: min(high, limit))
        }
    }

    /// Returns the scale of bytes that cover `low`, `high` and 0.
    package static func scale(low: Float, high: Float) -> ByteScale {
        let low = min(low, 0), high = max(high, 0)
        let scale = (high - low) / 255
        guard ByteScale.legal.contains(scale) else { return ByteScale(scale: 1, zeroPoint: 0) }
        return ByteScale(scale: scale, zeroPoint: UInt8(max(0, min(255, (-low / scale).rounded(.toNearestOrEven)))))
    }

    /// Returns the number of magnitude bins to keep, clipping the rest to the last: the one that minimises the
    /// divergence `Σ p·ln(p/q)` of what bytes can distinguish, q, from what was seen, p.
    private func entropyBins() -> Int {
        let levels = low < 0 ? 128 : 256
        let total = Double(magnitudes.reduce(0, +))
        var best = (bins: Self.magnitudeBins, divergence: Double.infinity)
        for kept in stride(from: Self.fewestMagnitudes, through: Self.magnitudeBins, by: 16) {
            let beyond = magnitudes[kept...].reduce(0, +)
            var divergence = 0.0, keptCount = 0.0
            for level in 0..<levels {
                let range = level * kept / levels..<(level + 1) * kept / levels
                var sum = 0, filled = 0
                for bin in range {
                    sum += magnitudes[bin]
                    if magnitudes[bin] > 0 || bin == kept - 1 && beyond > 0 { filled += 1 }
                }
                guard filled > 0 else { continue }
                let q = Double(sum) / Double(filled)
                for bin in range {
                    let p = Double(magnitudes[bin] + (bin == kept - 1 ? beyond : 0))
                    guard p > 0 else { continue }
                    // Clipped values in an otherwise empty level must not appear free.
                    divergence += p / total * log(p / max(q, 1e-9))
                }
                keptCount += Double(sum)
            }
            // A range that holds no value describes none.
            guard keptCount > 0 else { continue }
            // q sums to the kept count.
            divergence += log(keptCount / total)
            if divergence < best.divergence { best = (kept, divergence) }
        }
        return best.bins
    }
}
