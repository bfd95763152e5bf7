// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "classify",
    platforms: [.macOS(.v26)],
    dependencies: [.package(name: "numeral", path: "../..")],
    targets: [.executableTarget(name: "Classify", dependencies: [.product(name: "Numeral", package: "numeral")])]
)
