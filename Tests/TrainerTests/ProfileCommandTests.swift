import Foundation
import Testing

/// `trainer profile` and `trainer gemm`, run as a user runs them.
extension CommandLineTests {
    private static let small = ["--config", config, "--set", "model.layers[0].filters=4"]
    private static let fixtures = ConfigurationsTests.folder.deletingLastPathComponent()
        .appendingPathComponent("Tests/Fixtures").path

    private static func object(_ url: URL) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: url)) as? [String: Any])
    }

    @Test func profileWritesItsFiles() throws {
        let folder = try Self.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let outcome = try Self.trainer(
            ["profile"] + Self.small
                + [
                    "--batch", "8", "--inference-batch", "16", "--steps", "1", "--threads", "2", "--json", "p.json",
                    "--output", "out/here",
                ], in: folder)
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(outcome.output.contains("accounted for") && outcome.output.contains("training, batch 8"))
        let json = try Self.object(folder.appendingPathComponent("p.json"))
        #expect(json["batchSize"] as? Int == 8 && json["inferenceBatchSize"] as? Int == 16)
        #expect(json["threads"] as? Int == 2 && (json["peakGflops"] as? Double ?? 0) > 0)
        for file in ["profile.json", "profile.csv", "profile.svg"] {
            #expect(FileManager.default.fileExists(atPath: folder.appendingPathComponent("out/here/\(file)").path))
        }
    }

    @Test func gemmMeasuresAConfigurationAndComparesFiles() throws {
        let folder = try Self.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        for name in ["one.json", "two.json"] {
            let outcome = try Self.trainer(
                ["gemm", "--quick", "--threads", "1", "--json", name] + Self.small, in: folder)
            #expect(outcome.code == 0, "\(outcome.errors)")
            #expect(outcome.output.contains("conv2d_1 forward") && outcome.output.contains("Aᵀ·B"))
        }
        let rows = try #require(try Self.object(folder.appendingPathComponent("one.json"))["rows"] as? [[String: Any]])
        // The first layer: 24·24 pixels, 5·5·1 deep, 4 filters.
        #expect(rows[0]["n"] as? Int == 4 && rows[0]["k"] as? Int == 25)
        let compared = try Self.trainer(["gemm", "compare", "one.json", "two.json"], in: folder)
        #expect(compared.code == 0, "\(compared.errors)")
        // One library, one input: the same bits.
        #expect(compared.output.contains("results from A's: 0 ("))
    }

    @Test(arguments: [
        (["profile", "--config", config, "--batch", "0"], "--batch"),
        (["profile", "--config", config, "--steps", "-1"], "--steps"),
        (["profile", "--config", "none.json"], "none.json"),
        (["gemm", "--set", "seed=1"], "--set"), (["gemm", "--retune"], "--retune"),
        (["gemm", "--threads", "0"], "--threads"),
        (["gemm", "compare", "\(fixtures)/gemm-a.json"], "2 to 6 files"),
        (["gemm", "compare", "\(fixtures)/gemm-a.json", "\(fixtures)/gemm-other-shapes.json"], "1×2×3 Aᵀ·B"),
        (["gemm", "compare", "\(fixtures)/gemm-a.json", "none.json"], "none.json"),
    ])
    func wrongMeasuringEndsWithTwo(_ arguments: [String], _ place: String) throws {
        let folder = try Self.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let outcome = try Self.trainer(arguments, in: folder)
        #expect(outcome.code == 2 && outcome.output.isEmpty)
        #expect(outcome.errors.contains(place), "\(outcome.errors)")
    }
}
