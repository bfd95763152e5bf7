// The library's face: `import Numeral` brings everything a program needs.
@_exported import Datasets
@_exported import Evaluation
@_exported import Experiments
@_exported import Interchange
@_exported import Kernels
@_exported import NeuralNetwork
@_exported import Recognition
@_exported import Reports
@_exported import TensorBoard
@_exported import Tensors
@_exported import Training

/// Numeral itself.
public enum Numeral {
    /// The version of this library and of `trainer`.
    public static let version = "0.1.0"

    /// The Swift it was compiled by, as far as the compiler tells.
    public static let swiftVersion: String = {
        #if compiler(>=6.4)
            "6.4 or newer"
        #elseif compiler(>=6.3)
            "6.3"
        #else
            "6.2"
        #endif
    }()
}
