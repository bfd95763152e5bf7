// swift-tools-version: 6.2
import Foundation
import PackageDescription

/// The compiler flags of the numeric targets. They optimise in every configuration, `swift run` (debug) included, for
/// this machine's vector width or that of `NUMERAL_PROCESSOR` (a value of clang's `-march`, such as x86-64-v3). Without
/// errno, a vector of square roots is one instruction. Optimising each module as a whole takes two thirds of the time
/// that file by file takes. SwiftPM considers such flags "unsafe" and refuses them in a versioned dependency:
/// `NUMERAL_PORTABLE=1` leaves them out.
let processor = Context.environment["NUMERAL_PROCESSOR"] ?? "native"
let portable = Context.environment["NUMERAL_PORTABLE"] == "1"
let numeric: [SwiftSetting] =
    portable
    ? [.define("NUMERAL_PORTABLE")]
    : [
        .unsafeFlags([
            "-O", "-whole-module-optimization", "-num-threads", "2", "-Xcc", "-march=\(processor)", "-Xcc",
            "-fno-math-errno",
        ])
    ]

/// The BLAS to link, chosen at build time: `NUMERAL_BLAS=openblas|scipy-openblas|blis|netlib|atlas|mkl|accelerate`, and
/// `NUMERAL_BLAS_PREFIX`, the folder that contains its `include` and `lib` if it is not the system's. Clean
/// (`swift package clean`) or use another `--scratch-path` when changing either. CONTRIBUTING.md has a line for each. A
/// versioned dependency can use only those that need no unsafe flags: the system's openblas and blis.
let backend = Context.environment["NUMERAL_BLAS"] ?? "openblas"
let prefix = Context.environment["NUMERAL_BLAS_PREFIX"].map { URL(fileURLWithPath: $0).path }
#if arch(arm64)
    let multiarch = "/usr/lib/aarch64-linux-gnu"
#else
    let multiarch = "/usr/lib/x86_64-linux-gnu"
#endif

/// The library's name for `-l`, and its folder if the linker does not search it by default.
let (libraryName, libraryFolder): (String, String?) =
    switch backend {
    case "openblas", "blis": (backend, nil)
    case "scipy-openblas": ("scipy_openblas", nil)
    // Debian installs these two in separate folders, beside alternatives with the same soname.
    case "netlib": ("blas", "\(multiarch)/blas")
    case "atlas": ("blas", "\(multiarch)/atlas")
    case "mkl": (mklName(), nil)
    case "accelerate": ("", nil)
    default:
        fatalError(
            "NUMERAL_BLAS: expected openblas, scipy-openblas, blis, netlib, atlas, mkl or accelerate "
                + "· received \(backend)")
    }

/// Returns MKL's library name: its wheels contain `libmkl_rt.so.2` or `.so.3`, but no `libmkl_rt.so` for `-lmkl_rt` to
/// find.
func mklName() -> String {
    let files = prefix.flatMap { try? FileManager.default.contentsOfDirectory(atPath: $0 + "/lib") } ?? []
    return files.filter { $0.hasPrefix("libmkl_rt.so") }.min().map { ":" + $0 } ?? "mkl_rt"
}

/// Linker settings to link from the folder and to find the library there at run time.
let folder: [LinkerSetting] =
    (prefix.map { $0 + "/lib" } ?? libraryFolder).map {
        [.unsafeFlags(["-L\($0)", "-Xlinker", "-rpath", "-Xlinker", $0])]
    } ?? []
let blas = folder + [backend == "accelerate" ? .linkedFramework("Accelerate") : .linkedLibrary(libraryName)]

let backendDefine = "NUMERAL_BLAS_" + backend.uppercased().replacingOccurrences(of: "-", with: "_")
/// Settings that every target needs, since whoever imports the engine reads the same header.
var headers: [SwiftSetting] = prefix.map { [.unsafeFlags(["-Xcc", "-I\($0)/include"])] } ?? []
if backend == "mkl" || backend == "scipy-openblas" { headers.append(.unsafeFlags(["-Xcc", "-D\(backendDefine)"])) }

/// The MPI for training with several processes, chosen at build time: `NUMERAL_MPI=openmpi|mpich`, or 1 for the one
/// that is installed; and `NUMERAL_MPI_PREFIX`, the folder that contains its `include` and `lib` if it is not Debian's.
/// Without it there is one process, and MPI is not needed. Give such a build its own `--scratch-path`.
let mpi = messagePassing()
headers += mpi.headers

func messagePassing() -> (headers: [SwiftSetting], libraries: [LinkerSetting]) {
    guard let wanted = Context.environment["NUMERAL_MPI"], !["", "0"].contains(wanted) else { return ([], []) }
    guard ["1", "openmpi", "mpich"].contains(wanted) else {
        fatalError("NUMERAL_MPI: expected openmpi, mpich or 1 · received \(wanted)")
    }
    typealias Place = (name: String, include: String, library: String, folder: String)
    var places: [Place] = [
        ("openmpi", "\(multiarch)/openmpi/include", "mpi", "\(multiarch)/openmpi/lib"),
        ("mpich", multiarch.replacing("/lib/", with: "/include/") + "/mpich", "mpich", multiarch),
    ]
    if let prefix = Context.environment["NUMERAL_MPI_PREFIX"].map({ URL(fileURLWithPath: $0).path }) {
        places = [(wanted, prefix + "/include", "mpi", prefix + "/lib")]
    }
    let found = places.first {
        (wanted == "1" || wanted == $0.name) && FileManager.default.fileExists(atPath: $0.include + "/mpi.h")
    }
    guard let place = found else {
        fatalError(
            "NUMERAL_MPI=\(wanted): expected mpi.h in \(places.map(\.include).joined(separator: " or ")) · received none · "
                + "apt-get install libopenmpi-dev openmpi-bin, or set NUMERAL_MPI_PREFIX")
    }
    return (
        [.unsafeFlags(["-Xcc", "-I\(place.include)"]), .define("NUMERAL_MPI")],
        [
            .unsafeFlags(["-L\(place.folder)", "-Xlinker", "-rpath", "-Xlinker", place.folder]),
            .linkedLibrary(place.library),
        ]
    )
}

let package = Package(
    name: "numeral",
    platforms: [.macOS(.v26)],
    products: [
        .library(name: "Numeral", targets: ["Numeral"]),
        .library(name: "NumeralCommands", targets: ["Commands"]),
        .library(name: "numeral", type: .dynamic, targets: ["CInterface"]),
        .executable(name: "trainer", targets: ["trainer"]),
        .executable(name: "trainer-serve", targets: ["trainer-serve"]),
    ],
    traits: [
        .trait(name: "TLS", description: "trainer serve speaks HTTPS; builds BoringSSL, some minutes")
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
        // Only for `trainer-serve`: no other product builds them.
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
    ],
    targets: [
        .systemLibrary(name: "CBLAS", path: "Modulemaps/CBLAS", providers: [.apt(["libopenblas-dev"])]),
        .systemLibrary(name: "CLAPACKE", path: "Modulemaps/CLAPACKE", providers: [.apt(["liblapacke-dev"])]),
        .systemLibrary(name: "CZlib", path: "Modulemaps/CZlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CCrypto", path: "Modulemaps/CCrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CPNG", path: "Modulemaps/CPNG", providers: [.apt(["libpng-dev"])]),
        .systemLibrary(name: "CInstructions", path: "Modulemaps/CInstructions"),
        .systemLibrary(
            name: "CTurboJPEG", path: "Modulemaps/CTurboJPEG", providers: [.apt(["libturbojpeg0-dev"])]),

        // From the bottom layer up: a target imports only targets listed before it (`docs/rooms.sh`).
        .target(name: "Tensors", swiftSettings: numeric),
        .target(name: "Formats", dependencies: ["Tensors", "CZlib", "CCrypto"], swiftSettings: numeric),
        .target(
            name: "Pictures", dependencies: ["Formats", "Tensors", "CPNG", "CTurboJPEG"], swiftSettings: numeric),
        .target(
            name: "Workers", dependencies: ["Tensors"] + (mpi.headers.isEmpty ? [] : ["CMPI"]), swiftSettings: numeric,
            linkerSettings: mpi.libraries),
        .target(
            name: "LinearAlgebra", dependencies: ["Workers", "Tensors", "CBLAS", "CLAPACKE"],
            swiftSettings: numeric + [.define(backendDefine)], linkerSettings: blas),
        .target(name: "Kernels", dependencies: ["LinearAlgebra", "Tensors", "CInstructions"], swiftSettings: numeric),
        .target(
            name: "NeuralNetwork", dependencies: ["Kernels", "LinearAlgebra", "Workers", "Formats", "Tensors"],
            swiftSettings: numeric),
        .target(
            name: "Datasets", dependencies: ["Workers", "Pictures", "Formats", "Tensors"],
            resources: [.copy("Resources/sample")], swiftSettings: numeric),
        .target(
            name: "Training",
            dependencies: ["Datasets", "NeuralNetwork", "Kernels", "LinearAlgebra", "Workers", "Formats", "Tensors"]),
        .target(
            name: "Evaluation", dependencies: ["LinearAlgebra", "Workers", "Formats", "Tensors"],
            swiftSettings: numeric),
        .target(
            name: "Experiments",
            dependencies: ["Evaluation", "Training", "Datasets", "NeuralNetwork", "Formats", "Tensors"],
            resources: [.copy("Resources/box")]),
        .target(
            name: "Recognition",
            dependencies: [
                "Experiments", "Evaluation", "Training", "Datasets", "NeuralNetwork", "Workers", "Pictures", "Formats",
                "Tensors",
            ]),
        .target(
            name: "Numeral",
            dependencies: [
                "Recognition", "Experiments", "Evaluation", "Training", "Datasets", "NeuralNetwork", "Kernels",
                "LinearAlgebra", "Workers", "Pictures", "Formats", "Tensors",
            ]),
        .target(
            name: "Forms",
            dependencies: [
                "Numeral", "Recognition", "Experiments", "Evaluation", "Datasets", "Workers", "Pictures", "Formats",
                "Tensors",
            ],
            resources: [.copy("Resources/review.html")], swiftSettings: numeric),
        .target(
            name: "CInterface", dependencies: ["Numeral", "Experiments", "Tensors"], exclude: ["numeral.h"]),
        .target(name: "Plots", dependencies: ["Formats"]),
        .target(
            name: "Runs",
            dependencies: ["Evaluation", "Training", "NeuralNetwork", "LinearAlgebra", "Formats", "Tensors"]),
        .target(
            name: "Reports",
            dependencies: [
                "Runs", "Plots", "Evaluation", "Training", "Datasets", "NeuralNetwork", "Kernels", "LinearAlgebra",
                "Pictures", "Formats", "Tensors", .product(name: "Mustache", package: "swift-mustache"),
            ],
            resources: [.copy("Resources/report.mustache")]),
        .target(
            name: "Audit",
            dependencies: [
                "Reports", "Evaluation", "Datasets", "LinearAlgebra", "Workers", "Formats", "Tensors",
                .product(name: "Mustache", package: "swift-mustache"),
            ],
            resources: [.copy("Resources/audit.mustache")], swiftSettings: numeric),
        .target(
            name: "TensorBoard",
            dependencies: [
                "Reports", "Runs", "Evaluation", "Training", "NeuralNetwork", "Pictures", "Formats", "Tensors",
                .product(name: "SwiftProtobuf", package: "swift-protobuf"),
            ],
            exclude: ["Protos"]),
        .target(
            name: "ONNX", dependencies: [.product(name: "SwiftProtobuf", package: "swift-protobuf")],
            exclude: ["onnx.proto"]),
        .target(
            name: "Interchange",
            dependencies: [
                "ONNX", "Experiments", "Training", "Datasets", "NeuralNetwork", "Kernels", "Formats", "Tensors",
            ]),
        .target(
            name: "Commands",
            dependencies: [
                "Interchange", "TensorBoard", "Audit", "Reports", "Runs", "Numeral", "Forms", "Recognition",
                "LinearAlgebra",
                "Workers",
                "Pictures", "Formats", "Tensors", .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),
        .target(
            name: "Serving",
            dependencies: [
                "Runs", "Recognition", "Experiments", "Evaluation", "Training", "Workers", "Pictures", "Formats",
                "Tensors", .product(name: "CoreMetrics", package: "swift-metrics"),
            ],
            resources: [.copy("Resources/web")]),
        .target(
            name: "HTTPServer",
            dependencies: [
                "Serving", "Tensors", .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl", condition: .when(traits: ["TLS"])),
            ]),
        .executableTarget(name: "trainer", dependencies: ["Commands"]),
        .executableTarget(
            name: "trainer-serve",
            dependencies: [
                "HTTPServer", "Serving", "Commands", .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),

        .target(
            name: "TestSupport",
            dependencies: ["Datasets", "NeuralNetwork", "Kernels", "Workers", "Pictures", "Formats", "Tensors"],
            path: "Tests/TestSupport",
            swiftSettings: numeric),
        .executableTarget(
            name: "conformance", dependencies: ["ONNX", "Training", "NeuralNetwork", "Kernels", "Workers", "Tensors"],
            path: "Tests/Conformance", exclude: ["run.sh"]),
        .executableTarget(
            name: "time-to-accuracy",
            dependencies: [
                "Numeral", "LinearAlgebra", "Workers",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Benchmarks/TimeToAccuracy"),
        .testTarget(name: "FormatsTests", dependencies: ["Formats", "TestSupport"]),
        .testTarget(
            name: "PicturesTests", dependencies: ["Pictures", "TestSupport"], resources: [.copy("Fixtures")]),
        .testTarget(name: "TensorsTests", dependencies: ["Tensors", "TestSupport"]),
        .testTarget(
            name: "KernelsTests", dependencies: ["Kernels", "LinearAlgebra", "Workers", "Tensors", "TestSupport"]),
        .testTarget(
            name: "NeuralNetworkTests",
            dependencies: ["NeuralNetwork", "Kernels", "LinearAlgebra", "Workers", "Tensors", "TestSupport"],
            resources: [.copy("Fixtures")]),
        .testTarget(name: "DatasetsTests", dependencies: ["Datasets", "Workers", "TestSupport"]),
        .testTarget(
            name: "TrainingTests", dependencies: ["Training", "TestSupport"], resources: [.copy("Fixtures")]),
        .testTarget(
            name: "EvaluationTests", dependencies: ["Evaluation", "Workers", "Formats", "TestSupport"],
            resources: [.copy("Fixtures")]),
        .testTarget(
            name: "ReportsTests",
            dependencies: ["Reports", "Runs", "Plots", "Datasets", "NeuralNetwork", "TestSupport"]),
        .testTarget(
            name: "AuditTests",
            dependencies: [
                "Audit", "Numeral", "Recognition", "Experiments", "Evaluation", "Training", "Datasets", "NeuralNetwork",
                "LinearAlgebra", "Workers", "Tensors", "TestSupport",
            ],
            resources: [.copy("Fixtures")]),
        .testTarget(name: "TensorBoardTests", dependencies: ["TensorBoard", "TestSupport"]),
        .testTarget(
            name: "ExperimentsTests", dependencies: ["Experiments", "TestSupport"], resources: [.copy("Fixtures")]),
        .testTarget(
            name: "InterchangeTests", dependencies: ["Interchange", "ONNX", "TestSupport"],
            resources: [.copy("Fixtures")]),
        .testTarget(
            name: "NumeralTests", dependencies: ["Numeral", "CInterface", "Workers", "Tensors", "TestSupport"]),
        .testTarget(name: "RecognitionTests", dependencies: ["Recognition", "Runs", "TestSupport"]),
        .testTarget(
            name: "FormsTests",
            dependencies: [
                "Forms", "Recognition", "Experiments", "Evaluation", "Workers", "Pictures", "Formats", "Tensors",
                "TestSupport",
            ]),
        .testTarget(
            name: "ServingTests",
            dependencies: [
                "HTTPServer", "Serving", "Runs", "Recognition", "Experiments", "Datasets", "Workers", "Formats",
                "Tensors",
                "TestSupport",
            ]),
        .testTarget(
            name: "TrainerTests",
            dependencies: ["Numeral", "Reports", "Runs", "Plots", "Commands", "trainer", "TestSupport"]),
    ],
    swiftLanguageModes: [.v6]
)

/// Fuzzers of everything that reads untrusted bytes, only for `Fuzzing/build.sh`.
if Context.environment["NUMERAL_FUZZING"] == "1" {
    package.targets.append(
        .executableTarget(
            name: "Fuzz",
            dependencies: [
                "Audit", "Forms", "Numeral", "Serving", "Interchange", "Recognition", "Pictures", "Formats",
            ],
            path: "Fuzzing/Sources/Fuzz",
            // libFuzzer provides the main function.
            swiftSettings: [.unsafeFlags(["-parse-as-library"])]))
}

if !mpi.headers.isEmpty { package.targets.append(.systemLibrary(name: "CMPI", path: "Modulemaps/CMPI")) }
for target in package.targets where target.type != .system {
    target.swiftSettings = (target.swiftSettings ?? []) + headers
}
