import Datasets
import NeuralNetwork
import Tensors
import Workers

/// The parts of training that are specific to lines of text: a network for each width, all with the same weights,
/// batches of lines, and lines for validation.
struct LineTraining {
    let stages: [TrainingStage]
    private let graphs: [ResolvedGraph]
    private let validation: LineSet?

    /// - Parameter network: The network for the widest lines.
    init(
        _ lines: LineData, options: TrainingOptions, treatment: LayerTreatment, graph: ResolvedGraph,
        network: TrainingNetwork, data: LoadedData, seed: UInt64, pool: WorkerPool, communicator: any Communicator
    ) throws {
        graphs = try graph.widened(to: lines.widths)
        let columns = graphs.map(\.outputColumns)
        let source = try lines.source(of: data.train, seed: seed, columns: columns)
        let loader = LineLoader(source, batchSize: network.batchSize, pool: pool, part: network.batchPart)
        let ends = Set(treatment.lastEpochs.filter { $0 < options.epochs }).sorted() + [options.epochs]
        stages = try ends.map { [graphs] epoch in
            let frozen = treatment.frozen(in: epoch)
            return TrainingStage(
                lastEpoch: epoch,
                networks: try graphs.map { other in
                    epoch == options.epochs && other.inputShape == graph.inputShape
                        ? network
                        : try TrainingNetwork(
                            graph: other.freezing(frozen), batchSize: network.batchSize, shards: options.shards,
                            seed: seed, pool: pool, store: network.store, communicator: communicator)
                }, loader: loader, frozen: frozen)
        }
        validation = try lines.validation(of: data.validation, seed: seed, columns: columns)
    }

    var validationCount: Int { validation?.count ?? 0 }

    func validator(batchSize: Int, pool: WorkerPool) -> (any Validator)? {
        validation.map { LineValidator($0, graphs: graphs, batchSize: batchSize, pool: pool) }
    }

    /// Checks that network, loss and data are either all for lines or all for single images, and that no option is set
    /// that lines do not support.
    static func check(
        _ graph: ResolvedGraph, _ options: TrainingOptions, _ data: LoadedData, _ augmentation: AugmentationOptions,
        _ normalization: Normalization
    ) throws(InputError) {
        try check(graph, options, readsLines: data.lines != nil)
        guard data.lines != nil else { return }
        let classes = data.train.classCount, last = graph.graph.nodes.count - 1
        guard graph.classCount == classes + 1 else {
            throw InputError(
                "model.layers[\(last)] (\(graph.graph.nodes[last].name))",
                expected: "\(classes + 1) channels, the classes of \(data.dataset) and the blank",
                received: "\(graph.classCount)")
        }
        guard graph.inputShape.channels == 1 else {
            throw InputError(
                "model.inputShape", expected: "1 channel, of lines", received: "\(graph.inputShape.channels)")
        }
        let absent: [(key: String, isGiven: Bool)] = [
            ("training.labelSmoothing", options.labelSmoothing > 0),
            ("training.classWeights", options.classWeights != nil),
            ("training.distillation", options.distillation != nil),
            ("training.whitening", options.whitening != nil),
            ("training.progressiveResizing", !options.progressiveResizing.isEmpty),
            (
                "training.averagingStatisticsImages",
                options.averagingDecay != nil && options.averagingStatisticsImages > 0
            ),
            ("augmentation", !augmentation.isIdentity),
            ("data.normalization", normalization != .none),
        ]
        if let key = absent.first(where: \.isGiven)?.key {
            throw InputError(
                key, expected: "nothing beside data.lines, which draws lines and their variations itself",
                received: "an option of single images", remedy: "leave it out")
        }
    }

    /// Checks that network and loss are for lines if and only if the data are.
    private static func check(
        _ graph: ResolvedGraph, _ options: TrainingOptions, readsLines: Bool
    ) throws(InputError) {
        guard options.loss.readsLines == readsLines else {
            throw InputError(
                "training.loss",
                expected: readsLines ? "ctc, for lines of text (data.lines)" : "a loss of single images",
                received: options.loss.type,
                remedy: readsLines ? "" : "data.lines makes lines of text of single characters")
        }
        guard graph.readsLines == readsLines else {
            let last = graph.graph.nodes.count - 1
            throw InputError(
                "model.layers[\(last)] (\(graph.graph.nodes[last].name))",
                expected: readsLines
                    ? "a row of columns, 1×T×K, for lines of text" : "a vector of classes, for single images",
                received: "\(graph.nodes[last].outputShape)",
                remedy: readsLines
                    ? "let convolutions and poolings take the height down to 1 and end with a convolution"
                    : "end with flatten or globalAveragePooling2d and a dense layer")
        }
    }
}

/// Scores weights on lines of text: the mean loss, and the fraction of lines whose best path is their text.
final class LineValidator: Validator {
    private let lines: LineSet
    private let networks: LineNetworks

    init(_ lines: LineSet, graphs: [ResolvedGraph], batchSize: Int, pool: WorkerPool) {
        self.lines = lines
        networks = LineNetworks(graphs, batchSize: batchSize, pool: pool)
    }

    func load(parameters: AlignedBuffer<Float>, state: AlignedBuffer<Float>) {
        networks.load(parameters: parameters, state: state)
    }

    func score() -> (loss: Double, accuracy: Double) {
        var loss = 0.0, right = 0
        for line in networks.logits(of: lines) {
            loss += line.logits.negativeLogLikelihood(of: line.text)
            if line.logits.bestPath.map(\.label) == line.text.map(Int.init) { right += 1 }
        }
        return (loss / Double(lines.count), Double(right) / Double(lines.count))
    }
}
