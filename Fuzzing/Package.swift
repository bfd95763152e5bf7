// swift-tools-version: 6.2
import PackageDescription

/// Fuzzers of everything that reads untrusted bytes; `fuzz.sh` builds and runs them. A package of its own, so that
/// nobody who builds Numeral pays for it.
let package = Package(
    name: "fuzzing",
    platforms: [.macOS(.v26)],
    dependencies: [.package(name: "numeral", path: "..")],
    targets: [
        .executableTarget(
            name: "Fuzz", dependencies: [.product(name: "Numeral", package: "numeral")],
            // libFuzzer brings the main function.
            swiftSettings: [.unsafeFlags(["-parse-as-library"])])
    ],
    swiftLanguageModes: [.v6]
)
