// swift-tools-version: 6.2
import PackageDescription

/// The numeric targets compute at full speed in every configuration, `swift run` (debug) included, and
/// with this machine's vector width; without errno, a vector of square roots is one instruction. Such flags are
/// "unsafe" to SwiftPM, which refuses them in a versioned dependency: `NUMERAL_PORTABLE=1` leaves them out.
let portable = Context.environment["NUMERAL_PORTABLE"] == "1"
let numeric: [SwiftSetting] = portable ? [] : [.unsafeFlags(["-O", "-Xcc", "-march=native", "-Xcc", "-fno-math-errno"])]

/// The BLAS to link, chosen at build time: `NUMERAL_BLAS=openblas|blis|netlib|atlas|mkl|accelerate`.
/// Clean (`swift package clean`) or use another `--scratch-path` when changing it.
let backend = Context.environment["NUMERAL_BLAS"] ?? "openblas"
let multiarch = "/usr/lib/x86_64-linux-gnu"
let blas: [LinkerSetting] =
    switch backend {
    case "openblas": [.linkedLibrary("openblas")]
    case "blis": [.linkedLibrary("blis")]
    // Debian keeps the reference BLAS in a folder of its own, beside alternatives of the same soname.
    case "netlib":
        [.unsafeFlags(["-L\(multiarch)/blas", "-Xlinker", "-rpath", "-Xlinker", "\(multiarch)/blas"]),
         .linkedLibrary("blas")]
    case "atlas":
        [.unsafeFlags(["-L\(multiarch)/atlas", "-Xlinker", "-rpath", "-Xlinker", "\(multiarch)/atlas"]),
         .linkedLibrary("blas")]
    case "mkl": [.linkedLibrary("mkl_rt")]
    case "accelerate": [.linkedFramework("Accelerate")]
    default:
        fatalError("NUMERAL_BLAS: expected openblas, blis, netlib, atlas, mkl or accelerate · received \(backend)")
    }
let backendName: [SwiftSetting] = [.define("NUMERAL_BLAS_\(backend.uppercased())")]

let package = Package(
    name: "numeral",
    platforms: [.macOS(.v26)],
    products: [
        .library(name: "Numeral", targets: ["Numeral"]),
        .executable(name: "trainer", targets: ["trainer"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0")
    ],
    targets: [
        .systemLibrary(name: "CBLAS", path: "Modulemaps/CBLAS", providers: [.apt(["libopenblas-dev"])]),
        .systemLibrary(name: "CLAPACKE", path: "Modulemaps/CLAPACKE", providers: [.apt(["liblapacke-dev"])]),
        .systemLibrary(name: "CZlib", path: "Modulemaps/CZlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CCrypto", path: "Modulemaps/CCrypto", providers: [.apt(["libssl-dev"])]),

        .target(name: "Tensors", swiftSettings: numeric),
        .target(
            name: "Kernels", dependencies: ["Tensors", "CBLAS", "CLAPACKE"],
            swiftSettings: numeric + backendName, linkerSettings: blas),
        .target(name: "NeuralNetwork", dependencies: ["Kernels", "Tensors"], swiftSettings: numeric),
        .target(
            name: "Datasets", dependencies: ["Kernels", "Tensors", "CZlib", "CCrypto"],
            resources: [.copy("Resources/sample")], swiftSettings: numeric),
        .target(
            name: "Training", dependencies: ["NeuralNetwork", "Datasets", "Kernels", "Tensors"],
            swiftSettings: numeric),
        .target(name: "Evaluation", dependencies: ["Tensors"], swiftSettings: numeric),
        .target(name: "Reports", dependencies: ["Training", "Evaluation"], swiftSettings: numeric),
        .target(name: "Experiments", dependencies: ["Training", "NeuralNetwork", "Datasets"]),
        .target(
            name: "Numeral",
            dependencies: [
                "Tensors", "Kernels", "NeuralNetwork", "Datasets", "Training", "Evaluation", "Reports",
                "Experiments",
            ]),
        .executableTarget(
            name: "trainer",
            dependencies: ["Numeral", .product(name: "ArgumentParser", package: "swift-argument-parser")]),

        .target(
            name: "TestSupport", dependencies: ["NeuralNetwork", "Kernels", "Tensors"], path: "Tests/TestSupport",
            swiftSettings: numeric),
        .testTarget(name: "TensorsTests", dependencies: ["Tensors", "TestSupport"]),
        .testTarget(name: "KernelsTests", dependencies: ["Kernels", "Tensors", "TestSupport"]),
        .testTarget(
            name: "NeuralNetworkTests", dependencies: ["NeuralNetwork", "Kernels", "Tensors", "TestSupport"],
            resources: [.copy("Fixtures")]),
        .testTarget(name: "DatasetsTests", dependencies: ["Datasets", "TestSupport"]),
        .testTarget(
            name: "TrainingTests", dependencies: ["Training", "TestSupport"], resources: [.copy("Fixtures")]),
        .testTarget(
            name: "EvaluationTests", dependencies: ["Evaluation", "TestSupport"], resources: [.copy("Fixtures")]),
        .testTarget(name: "ReportsTests", dependencies: ["Reports", "TestSupport"]),
        .testTarget(
            name: "ExperimentsTests", dependencies: ["Experiments", "TestSupport"], resources: [.copy("Fixtures")]),
        .testTarget(name: "TrainerTests", dependencies: ["Numeral", "trainer"]),
    ],
    swiftLanguageModes: [.v6]
)
