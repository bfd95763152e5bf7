import Evaluation
import Kernels
import Training

/// The report of a network's quantization.
package struct QuantizationReport: Sendable {
    /// The seconds per image in float and in int8.
    package struct Times: Sendable {
        package var float, bytes: Double
        /// The minimum relative speedup of int8.
        private static let margin = 0.03

        package var isFaster: Bool { bytes < float * (1 - Self.margin) }
    }

    /// The change of a network's answers if only this layer is quantized.
    package struct Sensitivity: Sendable {
        /// The mean Kullback–Leibler divergence `Σ p·ln(p/q)` over the classes, p from float, q from int8.
        package let divergence: Double
        /// The number of images, of ``images``, whose predicted class changes.
        package let changed: Int
        package let images: Int
    }

    /// The outcome for a layer.
    package enum Fate: String, Sendable {
        case quantized = "int8"
        case notFaster = "float, not slower"
        case sensitive = "float, for accuracy"
    }

    /// A layer that can be quantized.
    package struct Layer: Sendable {
        package let name: String
        package let weights: Int
        package let times: Times
        package let sensitivity: Sensitivity
        package let fate: Fate
    }

    /// The comparison of the two networks on the same images.
    package struct Comparison: Sendable {
        /// The number of images that the float network classifies correctly.
        package let right: Int
        /// The number of images on which the predicted classes differ.
        package let changed: Int
        /// The test of the float network (first) against the int8 network (second).
        package let test: McNemar
        /// The accuracy loss tolerated without McNemar's test, and the significance level for a larger one.
        package static let toleratedLoss = 0.0005, significance = 0.05

        package var floatAccuracy: Double { Double(right) / Double(test.count) }
        package var accuracy: Double { floatAccuracy + test.difference }
        package var isAsGood: Bool {
            -test.difference <= Self.toleratedLoss || test.pValue >= Self.significance
        }
    }

    /// The throughput in images per second.
    package struct Rate: Sendable {
        package let batchSize: Int
        package let float, bytes: Double
    }

    package let layers: [Layer]
    package let method: CalibrationMethod
    package let comparison: Comparison
    package let rates: [Rate]

    /// Whether a layer was quantized and the network became faster for single images or for batches.
    package var isGain: Bool {
        layers.contains { $0.fate == .quantized } && rates.contains { $0.bytes > $0.float }
    }

    /// The instructions used for int8 products on this machine.
    package static let instructions = ByteInstructions.best.rawValue
    /// Whether the machine has an instruction for int8 products, without which float is faster.
    package static let hasByteProducts = ByteInstructions.best.hasByteProducts
}
