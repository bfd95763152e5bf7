import Evaluation
import Kernels
import Training

/// What was found when a network was quantized.
package struct QuantizationReport: Sendable {
    /// Seconds an image, of floats and of bytes.
    package struct Times: Sendable {
        package var float, bytes: Double
        /// By how much bytes must be faster.
        private static let margin = 0.03

        package var isFaster: Bool { bytes < float * (1 - Self.margin) }
    }

    /// What a network says otherwise when this layer alone multiplies bytes.
    package struct Sensitivity: Sendable {
        /// Mean of `Σ p·ln(p/q)` over the classes, p with floats, q with bytes.
        package let divergence: Double
        /// Images of which it says another class, of ``images``.
        package let changed: Int
        package let images: Int
    }

    /// What became of a layer.
    package enum Fate: String, Sendable {
        case quantized = "int8"
        case notFaster = "float, not slower"
        case sensitive = "float, for accuracy"
    }

    /// One layer that can be quantized.
    package struct Layer: Sendable {
        package let name: String
        package let weights: Int
        package let times: Times
        package let sensitivity: Sensitivity
        package let fate: Fate
    }

    /// Both networks on the same images.
    package struct Comparison: Sendable {
        /// Images that the network of floats gets right.
        package let right: Int
        /// Images of which the two say different classes.
        package let changed: Int
        /// First floats, second bytes.
        package let test: McNemar
        /// Share of the images that may be lost without McNemar's test being asked, and the p-value below which more is no chance.
        package static let toleratedLoss = 0.0005, significance = 0.05

        package var floatAccuracy: Double { Double(right) / Double(test.count) }
        package var accuracy: Double { floatAccuracy + test.difference }
        package var isAsGood: Bool {
            -test.difference <= Self.toleratedLoss || test.pValue >= Self.significance
        }
    }

    /// Images a second.
    package struct Rate: Sendable {
        package let batchSize: Int
        package let float, bytes: Double
    }

    package let layers: [Layer]
    package let method: CalibrationMethod
    package let comparison: Comparison
    package let rates: [Rate]

    /// Whether a layer was quantized, and the network then answers faster, one image or many.
    package var isGain: Bool {
        layers.contains { $0.fate == .quantized } && rates.contains { $0.bytes > $0.float }
    }

    /// What multiplies bytes on this machine.
    package static let instructions = ByteInstructions.best.rawValue
    /// Whether it has an instruction for that, without which floats are faster.
    package static let hasByteProducts = ByteInstructions.best.hasByteProducts
}
