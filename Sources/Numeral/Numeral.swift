// The umbrella module: `import Numeral` re-exports the public API of these modules.
@_exported import Datasets
@_exported import Evaluation
@_exported import Experiments
@_exported import struct Formats.Codec
@_exported import protocol Formats.ConfigurationKind
@_exported import struct Formats.Field
@_exported import struct Formats.NumberRange
@_exported import struct Formats.Section
@_exported import NeuralNetwork
@_exported import struct Tensors.InputError
@_exported import struct Tensors.OperationError
@_exported import struct Tensors.RandomAddress
@_exported import enum Tensors.RandomPurpose
@_exported import struct Tensors.RandomStream
@_exported import protocol Tensors.RealNumber
@_exported import struct Tensors.Shape
@_exported import Training

/// The library's version.
public enum Numeral {
    /// The version of this library and of `trainer`.
    public static let version = "0.1.0"

    /// The version of the Swift compiler that built the library, as far as conditional compilation can tell.
    package static let swiftVersion: String = {
        #if compiler(>=6.4)
            "6.4 or newer"
        #elseif compiler(>=6.3)
            "6.3"
        #else
            "6.2"
        #endif
    }()
}
