import ArgumentParser
import Formats
import Forms
import Foundation
import Numeral
import Recognition
import Tensors
import Workers

/// `trainer forms learn`.
struct FormsLearnCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "learn", abstract: "Train the network of single characters on what people keyed.",
        discussion: """
            Fine-tunes the network that read the forms, mixing in the images it was trained on. Three forms in ten are held \
            out; the new network is written only if it is better on them (McNemar's test) and has not forgotten the \
            original images. Calibrate again before using it: a calibration holds for one network.
            """)

    @Option(help: "The network that read them: a run folder or a model file, instead of the bundled model.")
    var model: String?

    @Option(help: "The folder of the data set it was trained on (MNIST), if it is not found automatically.")
    var data: String?

    @Option(help: ArgumentHelp("The model file to write.", valueName: "file.safetensors"))
    var output: String

    @OptionGroup var common: CommonOptions

    @Argument(help: "Folders of results into which people's answers have been merged.")
    var folders: [String]

    func run() throws {
        let networks = try ReadingNetworks(path: model).completed()
        let reader = try DigitReader(networks.single, lines: networks.lines, pool: WorkerPool(threads: 1))
        var corrections = CorrectedCharacters()
        for folder in folders { try corrections.add(FormsFolder(folder), reader: reader) }
        common.say(
            "\(Console.grouped(corrections.count)) characters of \(Console.grouped(corrections.fields)) keyed fields"
                + (corrections.passedOver > 0 ? ", \(corrections.passedOver) fields passed over" : "")
                + (corrections.copies > 0 ? ", \(Console.grouped(corrections.copies)) copies of fields left out" : ""))
        var experiment = networks.single.experiment
        experiment.data.directory = data
        let original = try common.load(experiment.dataRequest, seed: experiment.seed, whole: true)
        guard original.train.classNames == networks.single.classNames else {
            throw InputError(
                "--data", expected: "the classes of the network",
                received: original.train.classNames.joined(separator: ", "))
        }
        let outcome = try ReaderLearning.learn(
            corrections, old: try Model(networks.single, threads: common.threads), path: model ?? BoxModel.word,
            original: original.train, threads: common.threads
        ) { event in
            if case .epoch(let epoch, _) = event { common.say("epoch \(epoch.epoch)") }
        }
        let rows = [
            row("forms set aside", outcome.before, outcome.after, outcome.tested, outcome.test.pValue),
            row(
                "original images", outcome.witnessesBefore, outcome.witnessesAfter, outcome.witnesses,
                outcome.witnessTest.pValue),
        ]
        print(Console.table([["", "before", "after", "of", "p"]] + rows, left: [0]))
        guard let model = outcome.model else {
            print("The old network stays: \(outcome.reason).")
            return
        }
        try model.save(to: output)
        print(
            "\(output): the new network, trained on \(Console.grouped(outcome.trained)) characters. Calibrate before you use it."
        )
    }

    private func row(_ name: String, _ before: Int, _ after: Int, _ count: Int, _ p: Double) -> [String] {
        [
            name, percent(before, of: count), percent(after, of: count), Console.grouped(count),
            p < 0.001 ? "< 0.001" : Console.fixed(p, 3),
        ]
    }
}
