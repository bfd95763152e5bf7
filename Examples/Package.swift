// swift-tools-version: 6.2
import PackageDescription

// Two packages in one: what a program that trains and asks networks needs, and what one that adds to the engine needs.
let package = Package(
    name: "examples",
    platforms: [.macOS(.v26)],
    dependencies: [.package(name: "numeral", path: "..")],
    targets: [
        .executableTarget(
            name: "Classify", dependencies: [.product(name: "Numeral", package: "numeral")], path: "Classify"),
        .executableTarget(
            name: "Extension",
            dependencies: [
                .product(name: "Numeral", package: "numeral"), .product(name: "NumeralCommands", package: "numeral"),
            ], path: "Extension", exclude: ["config.json"],
            // This target's loops at full speed in debug builds too, with this machine's vectors, as the engine's own.
            swiftSettings: [.unsafeFlags(["-O", "-Xcc", "-march=native"])]),
    ]
)
