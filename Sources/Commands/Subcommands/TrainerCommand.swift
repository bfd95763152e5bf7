import ArgumentParser
import Foundation
import LinearAlgebra
import Numeral

/// The command line of `trainer`, or of a custom program that adds layers, losses, optimizers, metrics, augmentations
/// or data sources to it.
///
/// ```swift
/// @main
/// enum Main {
///     static func main() {
///         CommandLineProgram.run { try Layer.register(MyLayer.self) }
///     }
/// }
/// ```
public enum CommandLineProgram {
    /// Runs the command that the process was started with, to its end; see `--help`. A failure prints one line on
    /// stderr and ends the process with its exit code.
    /// - Parameter register: called first, before any configuration is read.
    public static func run(_ register: () throws -> Void = {}) {
        run {
            try register()
            let arguments = Array(CommandLine.arguments.dropFirst())
            if arguments.isEmpty { return print(Call.welcome) }
            try Call.check(arguments)
            var command = try TrainerCommand.parseAsRoot(arguments)
            try command.run()
        } explain: {
            TrainerCommand.fullMessage(for: $0)
        } code: {
            TrainerCommand.exitCode(for: $0)
        }
    }

    /// Runs a command of another program as if it were one of `trainer`'s.
    package static func run<Command: ParsableCommand>(_ command: Command.Type) {
        run {
            var command = try Command.parseAsRoot(Array(CommandLine.arguments.dropFirst()))
            try command.run()
        } explain: {
            Command.fullMessage(for: $0)
        } code: {
            Command.exitCode(for: $0)
        }
    }

    /// Reports every failure as one line on stderr and an exit code: 1 if the work failed, or its results could not be
    /// printed; 2 if the input was wrong; 130 if interrupted.
    private static func run(
        _ body: () throws -> Void, explain: (any Error) -> String, code: (any Error) -> ExitCode
    ) {
        StandardOutput.prepare()
        Interruption.ignoreSizeLimit()
        BLASMemory.restartWithoutOwnThreads()
        Interruption.explainShortage()
        do {
            do {
                try body()
            } catch let error where code(error) == .success && !(error is ExitCode) {
                // Help and version.
                print(explain(error))
            }
            try StandardOutput.finish()
        } catch let error as InputError {
            Console.fail(error.description, code: 2)
        } catch let error as OperationError {
            Console.fail(error.description, code: 1)
        } catch let error as TrainingError {
            Console.fail(error.description, code: 1)
        } catch let code as ExitCode {
            Foundation.exit(code.rawValue)
        } catch {
            // Arguments that could not be parsed.
            Console.fail(explain(error), code: 2)
        }
    }
}

/// `trainer`, as the argument parser sees it.
struct TrainerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trainer",
        abstract: "Train, evaluate and inspect convolutional networks on an ordinary CPU.",
        version: Numeral.version,
        subcommands: [
            TrainCommand.self, EvaluateCommand.self, PredictCommand.self, CompareCommand.self, SweepCommand.self,
            LearningRateCommand.self, InspectCommand.self, ProfileCommand.self, GEMMCommand.self, DatasetsCommand.self,
            DoctorCommand.self, ExportCommand.self, ImportCommand.self, ServeCommand.self, FormsCommand.self,
            AuditCommand.self, QuantizeCommand.self,
        ],
        defaultSubcommand: TrainCommand.self)

    /// Returns the exit code for `error`.
    static func code(of error: any Error) -> Int32 {
        switch error {
        case let failure as Ranks.SharedFailure: failure.code
        case let code as ExitCode: code.rawValue
        case is OperationError, is TrainingError: 1
        default: 2
        }
    }
}
