import Foundation
import Testing

/// Results that cannot be written, and memory that does not suffice: a line on stderr and 1, never silence, never a wait.
@Suite(.serialized) struct OutputFailureTests {
    /// Runs `trainer` by a shell, as `sh` says, `$TRAINER` being the command; ended by force after a minute.
    private func shell(_ script: String, in folder: URL) throws -> CommandLineTests.Outcome {
        let process = try CommandLineTests.process([], in: folder)
        let trainer = try #require(process.executableURL)
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        process.arguments = ["-c", script]
        process.environment?["TRAINER"] = trainer.path
        process.environment?["OPENBLAS_NUM_THREADS"] = nil
        try process.run()
        return try CommandLineTests.outcome(of: process, in: folder)
    }

    private static let model = ConfigurationsTests.folder.deletingLastPathComponent()
        .appendingPathComponent("Sources/Experiments/Resources/box/mnist.safetensors").path
    private static let picture = ConfigurationsTests.folder.deletingLastPathComponent()
        .appendingPathComponent("docs/examples/three.png").path

    static let commands = [
        "--help", "--version", "help predict", "datasets list", "predict \(picture)", "predict --json \(picture)",
        "predict --csv \(picture)", "inspect --config \(CommandLineTests.config)",
        "export --model \(model) --format npz out.npz", "--generate-completion-script bash",
    ]

    @Test(arguments: commands) func aFullDiskIsToldOfAndEndsWithOne(_ command: String) throws {
        let folder = try CommandLineTests.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        for target in ["> /dev/full", ">&-"] {
            let outcome = try shell("$TRAINER \(command) \(target)", in: folder)
            #expect(outcome.code == 1, "\(command) \(target)")
            let lines = outcome.errors.split(separator: "\n").filter { $0.hasPrefix("trainer: stdout: ") }
            #expect(lines.count == 1, "\(command) \(target): \(outcome.errors)")
        }
    }

    /// A pipe that nobody has read anything from is a failure; one that was read is `head`'s, and quiet.
    @Test func closedPipes() throws {
        let folder = try CommandLineTests.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let unread = try shell(
            "{ sleep 0.2; $TRAINER datasets list; echo $? > code; } | true; cat code", in: folder)
        #expect(unread.output == "1\n" && unread.errors.contains("trainer: stdout: "))
        let head = try shell("$TRAINER datasets list | head -n 1; echo $?", in: folder)
        #expect(head.errors.isEmpty && head.output.hasSuffix("0\n"))
    }

    /// A reader that stops at what it looked for, as `grep -q` does, does not cut a short result off.
    @Test func whoeverHasReadEnoughMayGo() throws {
        let folder = try CommandLineTests.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let form = Self.picture.replacing("three.png", with: "form.jpg")
        let outcome = try shell(
            """
            set -eo pipefail
            for turn in 1 2 3 4 5 6; do $TRAINER predict --segment --known 1 \(form) | grep -qx "  20261"; done
            """, in: folder)
        #expect(outcome.code == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
    }

    /// Training's work is done and kept, although its summary cannot be printed.
    @Test func aRunIsFinishedAllTheSame() throws {
        try SmallRun.with(epochs: 1) { run in
            let outcome = try shell("$TRAINER --config small.json --output runs --quiet > /dev/full", in: run.folder)
            #expect(outcome.code == 1 && outcome.errors.contains("trainer: stdout: "), "\(outcome.errors)")
            let metrics = try run.run(in: "runs").appendingPathComponent("metrics.json")
            #expect(FileManager.default.fileExists(atPath: metrics.path))
        }
    }

    /// Too little address space for OpenBLAS, for the program, or enough: never an endless wait.
    @Test(arguments: [250_000, 400_000, 520_000, 1_000_000])
    func littleMemoryEndsWithAMessageOrWorks(_ kibibytes: Int) throws {
        for command in ["predict \(Self.picture)", "gemm --quick --threads 2"] {
            let folder = try CommandLineTests.temporaryFolder()
            defer { try? FileManager.default.removeItem(at: folder) }
            let outcome = try shell(
                "ulimit -v \(kibibytes); exec timeout -s KILL 120 $TRAINER \(command)", in: folder)
            #expect(
                outcome.code == 0 || outcome.code == 1 && outcome.errors.hasPrefix("trainer: memory: "),
                "\(command): \(outcome.code) \(outcome.errors)")
            if kibibytes < 300_000 { #expect(outcome.code == 1) }
        }
    }
}
