import Foundation
import LinearAlgebra
import Numeral
import Runs
import Testing

/// Runs that are killed, interrupted, damaged, and resumed, through the real command.
@Suite(.serialized) struct ResumeCommandTests {
    /// Killed five times, twice in the middle of a write, each time on another number of threads.
    @Test func killedAndResumedItLeavesTheSameBytes() throws {
        try SmallRun.with { small in
            #expect(try small.trainer(SmallRun.begin("whole") + ["--threads", "2"]).code == 0)
            var reached: [String] = []
            for kill in 0..<5 {
                let arguments = kill == 0 ? SmallRun.begin("cut") : ["--resume", try small.path(of: "cut")]
                let process = try small.start(
                    arguments + ["--threads", "\(1 + kill % 3)"],
                    until: { run in
                        let files = SmallRun.checkpoints(run).map(\.lastPathComponent)
                        guard let last = files.last, last > reached.last ?? "" else { return false }
                        guard kill % 2 == 1, let run else { return true }
                        let all = run.appendingPathComponent("checkpoints").path
                        return (try? FileManager.default.contentsOfDirectory(atPath: all))?
                            .contains { $0.hasSuffix(".tmp") } ?? false
                    }, output: "cut")
                killNow(process)
                #expect(process.terminationReason == .uncaughtSignal)
                reached.append(try #require(SmallRun.checkpoints(try small.run(in: "cut")).last).lastPathComponent)
            }
            #expect(Set(reached).count == 5 && reached == reached.sorted())
            // The configuration may be given again: lowerings that it leaves open are those of the run.
            let end = try small.trainer(
                ["--resume", try small.path(of: "cut"), "--config", "small.json", "--threads", "3"])
            #expect(end.code == 0 && end.errors.contains("Going on from epoch"), "\(end.errors)")
            try small.expectSameBytes("cut", "whole")
            let again = try small.trainer(["--resume", try small.path(of: "cut")])
            #expect(again.code == 0 && again.errors.contains("is finished") && again.output.isEmpty)
        }
    }

    private func killNow(_ process: Process) {
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// One signal: the step is finished, a checkpoint written, the way on told. The run comes to the same bytes.
    @Test(arguments: [SIGINT, SIGTERM, SIGHUP]) func aSignalEndsWithACheckpoint(_ number: Int32) throws {
        // No checkpoints by steps: the one of the interruption, and those of epochs.
        try SmallRun.with(epochs: 40, everySteps: nil) { small in
            #expect(try small.trainer(SmallRun.begin("whole")).code == 0)
            let process = try small.start(
                SmallRun.begin("cut"), until: { !SmallRun.checkpoints($0).isEmpty }, output: "cut")
            kill(process.processIdentifier, number)
            let outcome = try CommandLineTests.outcome(of: process, in: small.folder)
            #expect(process.terminationReason == .exit && outcome.code == 128 + number, "\(outcome)")
            let path = try small.path(of: "cut")
            #expect(outcome.errors.contains("Go on with: trainer --resume \(path)"))
            let last = try #require(SmallRun.checkpoints(try small.run(in: "cut")).last)
            let written = try Checkpoint.decode(Data(contentsOf: last), name: "last").state.progress
            let evaluated = try small.trainer(["evaluate", "--model", path, "--output", "evaluated", "--quiet"])
            #expect(evaluated.code == 0 && evaluated.errors.contains("\(path) is an unfinished run"))
            let end = try small.trainer(["--resume", path])
            #expect(end.errors.contains("Going on from epoch \(written.epoch), step \(written.step)"))
            try small.expectSameBytes("cut", "whole")
        }
    }

    /// Figures appear while it trains, for who watches: a run that is killed has those of its first epoch and its images.
    @Test func figuresAppearWhileItTrains() throws {
        try SmallRun.with(epochs: 400) { small in
            let figures: [RunFile] = [.augmentationFigure, .learningCurvesFigure, .filtersFigure]
            func present(_ run: URL?) -> [RunFile] {
                figures.filter { file in
                    run.map { FileManager.default.fileExists(atPath: $0.path + "/" + file.rawValue) } ?? false
                }
            }
            killNow(try small.start(SmallRun.begin("cut"), until: { present($0) == figures }, output: "cut"))
            let run = RunFolder(try small.run(in: "cut"))
            #expect(!run.isFinished && present(run.url) == figures)
            #expect(try String(contentsOf: run.url(of: .history), encoding: .utf8).split(separator: "\n").count >= 2)
            killNow(
                try small.start(
                    SmallRun.begin("bare") + ["--set", "output.events=false"], until: SmallRun.isUnderWay,
                    output: "bare"))
            #expect(present(try small.run(in: "bare")).isEmpty)
        }
    }

    /// A flipped bit, then a cut: the one before serves, which is said; the run comes to the same bytes.
    @Test func aDamagedCheckpointIsPassedOver() throws {
        try SmallRun.with { small in
            #expect(try small.trainer(SmallRun.begin("whole")).code == 0)
            killNow(try small.start(SmallRun.begin("cut"), until: SmallRun.isUnderWay, output: "cut"))
            let path = try small.path(of: "cut")
            for damage in 0..<2 {
                let files = SmallRun.checkpoints(try small.run(in: "cut"))
                let newest = try #require(files.last)
                var data = try Data(contentsOf: newest)
                if damage == 0 { data[data.count / 2] ^= 16 } else { data.removeLast(100) }
                try data.write(to: newest)
                let before = try #require(files.dropLast().last).lastPathComponent
                let process = try small.start(
                    ["--resume", path], until: { SmallRun.checkpoints($0).first?.lastPathComponent ?? "" >= before },
                    output: "cut")
                // Goes on until it has replaced what was damaged.
                let deadline = Date().addingTimeInterval(60)
                while process.isRunning, Date() < deadline,
                    SmallRun.checkpoints(try small.run(in: "cut")).contains(newest)
                        && (try? Data(contentsOf: newest)) == data
                { usleep(500) }
                killNow(process)
                let messages = try String(contentsOf: small.file("stderr"), encoding: .utf8)
                #expect(messages.contains("WARNING  a damaged checkpoint is passed over: \(path)"), "\(messages)")
                #expect(messages.contains("(\(path)/checkpoints/\(before))"), "\(messages)")
            }
            #expect(try small.trainer(["--resume", path]).code == 0)
            try small.expectSameBytes("cut", "whole")
        }
    }

    /// What a run may not go on with: one line that names it, exit code 2, nothing changed.
    @Test func whatDiffersIsRefused() throws {
        try SmallRun.with { small in
            killNow(try small.start(SmallRun.begin("cut"), until: SmallRun.isUnderWay, output: "cut"))
            let path = try small.path(of: "cut"), run = try small.run(in: "cut")
            func expectRefusal(_ arguments: [String], _ words: [String]) throws {
                let before = SmallRun.checkpoints(run)
                let outcome = try small.trainer(["--resume", path, "--quiet"] + arguments)
                #expect(outcome.code == 2 && outcome.output.isEmpty, "\(outcome)")
                #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
                for word in words { #expect(outcome.errors.contains(word), "\(outcome.errors)") }
                #expect(SmallRun.checkpoints(run) == before)
            }
            try expectRefusal(
                ["--set", "training.epochs=5", "--seed", "4"],
                ["training.epochs 5 instead of 12", "seed 4 instead of 3", "begin a new run"])
            try expectRefusal(["--config", CommandLineTests.config], ["name \"default\" instead of \"small\""])
            // The stored configuration changed under the checkpoints.
            let config = run.appendingPathComponent("config.json")
            let text = try String(contentsOf: config, encoding: .utf8)
            try Data(text.replacing("\"epochs\": 12", with: "\"epochs\": 13").utf8).write(to: config)
            try expectRefusal([], ["config.json", "training.epochs 13 instead of 12"])
            try Data(text.utf8).write(to: config)
            // The data changed under the run.
            try small.writeData(seed: 2)
            try expectRefusal([], ["SHA-256", "train-images", "test-images", "instead of"])
            try expectRefusal(["--force"], ["train-images"])
            try small.writeData(seed: 1)
            // Another engine, written into a sound checkpoint.
            let newest = try #require(SmallRun.checkpoints(run).last)
            let original = try Data(contentsOf: newest)
            var checkpoint = try Checkpoint.decode(original, name: "newest")
            checkpoint.engine["BLAS core"] = "Katmai"
            try checkpoint.encoded().write(to: newest)
            try expectRefusal([], ["BLAS core", "instead of Katmai", "--force"])
            let forced = try small.trainer(["--resume", path, "--force"])
            #expect(forced.code == 0 && forced.errors.contains("WARNING  the run began with another engine"))
        }
    }

    /// A student whose teacher's file has become another model does not go on.
    @Test func anotherTeacherIsRefused() throws {
        try SmallRun.with { small in
            func teacher(seed: Int) throws -> Data {
                let output = "teacher-\(seed)"
                let outcome = try small.trainer(
                    SmallRun.begin(output) + ["--seed", "\(seed)", "--set", "training.epochs=1"])
                #expect(outcome.code == 0, "\(outcome.errors)")
                return try Data(contentsOf: small.run(in: output).appendingPathComponent("model.safetensors"))
            }
            let teachers = [try teacher(seed: 1), try teacher(seed: 2)]
            #expect(teachers[0] != teachers[1])
            try teachers[0].write(to: small.file("teacher.safetensors"))
            let distillation = ["--set", #"training.distillation={"teachers":["teacher.safetensors"]}"#]
            killNow(try small.start(SmallRun.begin("cut") + distillation, until: SmallRun.isUnderWay, output: "cut"))
            let path = try small.path(of: "cut")
            try teachers[1].write(to: small.file("teacher.safetensors"))
            for force in [[], ["--force"]] {
                let outcome = try small.trainer(["--resume", path, "--quiet"] + force)
                #expect(outcome.code == 2 && outcome.output.isEmpty, "\(outcome)")
                #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
                #expect(outcome.errors.contains("teacher teacher.safetensors"), "\(outcome.errors)")
            }
            try teachers[0].write(to: small.file("teacher.safetensors"))
            #expect(try small.trainer(["--resume", path, "--quiet"]).code == 0)
        }
    }

    @Test func oneProcessAtATime() throws {
        try SmallRun.with(epochs: 400) { small in
            let first = try small.start(SmallRun.begin("cut"), until: SmallRun.isUnderWay, output: "cut")
            defer { killNow(first) }
            let path = try small.path(of: "cut")
            let second = try small.trainer(["--resume", path])
            #expect(second.code == 1 && second.errors.contains("a running process writes to it"), "\(second)")
            let unfinished = try small.trainer(["evaluate", "--model", path])
            #expect(unfinished.code == 2 && unfinished.errors.contains("trainer --resume \(path)"), "\(unfinished)")
            #expect(first.isRunning)
        }
    }

    /// Before the first checkpoint the run begins again; without any run there is an error.
    @Test func withoutACheckpoint() throws {
        try SmallRun.with { small in
            #expect(try small.trainer(SmallRun.begin("whole")).code == 0)
            let folder = small.file("cut").appendingPathComponent("small")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            let empty = try small.trainer(["--resume", "cut/small"])
            #expect(empty.code == 2 && empty.errors.contains("a folder without it"))
            #expect(try small.trainer(["--resume", "cut/none"]).errors.contains("nothing there"))
            try FileManager.default.copyItem(
                at: try small.run(in: "whole").appendingPathComponent("config.json"),
                to: folder.appendingPathComponent("config.json"))
            let run = try small.trainer(["--resume", "cut/small"])
            #expect(run.code == 0 && run.errors.contains("begins again from its first step"))
            try small.expectSameBytes("cut", "whole")
            for arguments in [["--resume", "cut/small", "--output", "x"], ["--force", "--config", "small.json"], []] {
                #expect(try small.trainer(["train"] + arguments).code == 2)
            }
        }
    }

    /// The run stops with the step and the remedy, and keeps the last sound checkpoint and the best weights.
    @Test func divergenceKeepsWhatWasSound() throws {
        try SmallRun.with { small in
            // A rate that grows tenfold each epoch.
            let outcome = try small.trainer(
                SmallRun.begin("cut") + [
                    "--set", "training.epochs=45", "--set", "training.earlyStopping=null",
                    "--set", "training.optimizer={\"type\": \"sgd\", \"learningRate\": 0.001}",
                    "--set", "training.schedule={\"type\": \"step\", \"every\": 1, \"factor\": 10}",
                ])
            #expect(outcome.code == 1 && outcome.output.isEmpty, "\(outcome)")
            let match = try #require(
                outcome.errors.firstMatch(
                    of: /training: step ([0-9]+) \(epoch ([0-9]+)\) diverged: .* · lower training/))
            let step = try #require(Int(match.1)), run = try small.run(in: "cut"), path = try small.path(of: "cut")
            let newest = try #require(SmallRun.checkpoints(run).last)
            #expect(
                outcome.errors.contains("The last sound checkpoint is \(path)/checkpoints/\(newest.lastPathComponent)"))
            let checkpoint = try Checkpoint.decode(Data(contentsOf: newest), name: "newest")
            #expect(checkpoint.state.progress.optimizerSteps < step)
            #expect(checkpoint.state.tensors.allSatisfy { $0.values.allSatisfy { $0.isFinite } })
            #expect(outcome.errors.contains("the best, are in \(path)/model.safetensors"))
            let model = try SavedModel.load(path: run.path)
            #expect(model.parameters.array.allSatisfy { $0.isFinite })
            #expect(!RunFolder(run).isFinished)
            // Resumed it comes to the same end: the same bits.
            let again = try small.trainer(["--resume", path])
            #expect(again.code == 1 && again.errors.contains(match.0), "\(again.errors)")
        }
    }
}
