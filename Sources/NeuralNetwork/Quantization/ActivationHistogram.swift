import Foundation
import Kernels
import Tensors

/// From where to where the bytes of a layer's input reach.
package enum CalibrationMethod: String, CaseIterable, Sendable {
    /// From the least to the largest number that was seen.
    case minMax
    /// All but a ten-thousandth at each end.
    case percentile
    /// Where the numbers' distribution loses least: Migacz, "8-bit inference with TensorRT", GPU Technology Conference, 2017.
    case entropy
}

/// How often numbers of each size were seen between two layers.
package struct ActivationHistogram: Sendable {
    private static let binCount = 8192
    /// Of magnitudes, for the entropy, and the fewest of them that are kept.
    private static let magnitudeBins = 2048, fewestMagnitudes = 256
    private static let outside = 1e-4

    package let low, high: Float
    private var bins = [Int](repeating: 0, count: binCount)
    private var magnitudes = [Int](repeating: 0, count: magnitudeBins)

    /// - Precondition: finite, `low` ≤ `high`.
    package init(low: Float, high: Float) {
        precondition(low.isFinite && high.isFinite && low <= high, "a finite range")
        self.low = low
        self.high = high
    }

    /// The least and the largest of the first `count`; nil where one is not finite.
    package static func range(_ values: AlignedBuffer<Float>, count: Int) -> (low: Float, high: Float)? {
        precondition(count <= values.count, "as many numbers as there are")
        let x = values.pointer
        var low = Float.infinity, high = -Float.infinity, sum: Float = 0
        for i in 0..<count {
            let value = x[i]
            low = value < low ? value : low
            high = value > high ? value : high
            sum += value * 0  // not a number where any is none
        }
        return sum == 0 && low.isFinite && high.isFinite ? (low, high) : nil
    }

    /// Whether the range is neither empty nor so small or large that its bins' width is no number.
    private var isCounted: Bool { high - low > 1e-30 && (high - low).isFinite }

    /// Counts the first `count` numbers, all of the range.
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

    /// The bytes' scale; 0 is always one of their numbers.
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

    /// Of bytes that reach from `low` or 0 to `high` or 0.
    package static func scale(low: Float, high: Float) -> ByteScale {
        let low = min(low, 0), high = max(high, 0)
        let scale = (high - low) / 255
        guard ByteScale.legal.contains(scale) else { return ByteScale(scale: 1, zeroPoint: 0) }
        return ByteScale(scale: scale, zeroPoint: UInt8(max(0, min(255, (-low / scale).rounded(.toNearestOrEven)))))
    }

    /// How many bins of magnitudes are kept, the rest being cut to the last: so many that the divergence of what bytes can tell apart from
    /// what was seen, `Σ p·ln(p/q)`, is least.
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
                    // What is cut off stands for numbers that bytes no longer tell: it must not look free where nothing was there.
                    divergence += p / total * log(p / max(q, 1e-9))
                }
                keptCount += Double(sum)
            }
            // Q sums to what was kept.
            divergence += log(keptCount / total)
            if divergence < best.divergence { best = (kept, divergence) }
        }
        return best.bins
    }
}
