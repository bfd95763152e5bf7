import Evaluation
import Experiments
import Foundation
import Pictures
import Recognition
import Tensors
import Training
import Workers

/// A model that the service was started with.
package struct ServedModel: Sendable {
    /// By which requests ask for it.
    package let name: String
    /// What readings call it: as `predict --json` does.
    let shownName: String
    let networks: ReadingNetworks

    /// - Parameter path: a run folder or a model file; nil: the model in the box.
    /// - Throws: an `InputError` where it cannot be read, or reads no pictures.
    package init(path: String?) throws(InputError) {
        networks = try ReadingNetworks(path: path)
        name = Self.name(path ?? BoxModel.word)
        shownName = path ?? BoxModel.name
        // The box's were made and tried with this package.
        if let path, path != BoxModel.word { _ = try ModelReader(self) }
    }

    /// The folder's name, or the file's without its ending.
    private static func name(_ path: String) -> String {
        let url = URL(fileURLWithPath: path)
        return url.lastPathComponent == "model.safetensors"
            ? url.deletingLastPathComponent().lastPathComponent : url.deletingPathExtension().lastPathComponent
    }

    /// Class names, in the order of probabilities.
    package var classNames: [String] { networks.single.classNames }
    /// `[H, W, C]`.
    package var inputShape: Shape { networks.single.graph.inputShape }
    /// Whether it tells what it does not know.
    var tellsStrangers: Bool { networks.single.strangers != nil }
    /// Whether it reads lines of text.
    var isOfLines: Bool { networks.isOfLines }
}

extension [ServedModel] {
    /// The index of the model of that name.
    /// - Parameter place: names what asked, in the error.
    /// - Throws: a ``ServiceError`` (404).
    func index(named name: String, place: String) throws(ServiceError) -> Int {
        guard let index = firstIndex(where: { $0.name == name }) else {
            throw ServiceError(
                .notFound,
                "\(place): expected one of \(map(\.name).joined(separator: ", ")) · received \(printable(name))")
        }
        return index
    }
}

/// What one worker computes with: one thread's memory, used by one request at a time.
final class ModelReader {
    let reader: DigitReader
    let classifier: SingleImageClassifier
    let strangers: StrangerDetector?

    init(_ model: ServedModel) throws(InputError) {
        reader = try DigitReader(model.networks.single, lines: model.networks.lines, pool: WorkerPool(threads: 1))
        let saved = model.networks.single
        strangers = saved.strangers
        classifier = SingleImageClassifier(
            graph: saved.graph, normalization: saved.normalization, parameters: saved.parameters, state: saved.state,
            keepsFeatures: saved.strangers != nil)
    }
}
