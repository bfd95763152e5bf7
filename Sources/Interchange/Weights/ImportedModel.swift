import Datasets
import Experiments
import Formats
import NeuralNetwork
import Tensors

extension WeightImport {
    /// Returns the maximum number of bytes in a compressed file of weights for `graph`: float64 and some counters.
    package static func byteLimit(_ graph: ResolvedGraph) -> Int {
        8 * (graph.parameterCount + graph.stateCount) + 1024 * (graph.nodes.count + 1024)
    }

    /// Returns a model file of these weights.
    ///
    /// - Parameters:
    ///   - experiment: the configuration of `graph`; it names the classes, or else the file does, or the data set, if
    ///     their number fits.
    ///   - fileNames: the names of the classes in the file's metadata.
    ///   - normalization: the mean and standard deviation of the pixels in [0, 1], if they were standardised.
    /// - Throws: an ``InputError`` if the configuration standardises but no mean and deviation are given, or if it is of
    ///   lines, which are never standardised.
    package func model(
        of experiment: Experiment, _ graph: ResolvedGraph, normalization: (mean: Float, standardDeviation: Float)?,
        fileNames: [String]? = nil
    ) throws(InputError) -> SavedModel {
        var experiment = experiment
        if graph.readsLines, normalization != nil || experiment.data.normalization == .standardize {
            throw InputError(
                "data.normalization", expected: "none for lines, whose pixels are in [0, 1]",
                received: "a mean and a standard deviation")
        }
        if normalization != nil {
            experiment.data.normalization = .standardize
        } else if experiment.data.normalization == .standardize {
            throw InputError(
                "data.normalization", expected: "the mean and standard deviation that the weights were trained with",
                received: "none", remedy: "give --mean and --standard-deviation")
        }
        let data = experiment.data
        let isNamed = data.files == nil && data.provider == nil && data.directory == nil
        let known = [data.classNames, fileNames, isNamed ? DatasetCatalog.record(data.dataset).classNames : nil]
        return SavedModel(
            experiment: experiment, graph: graph,
            classNames: known.lazy.compactMap { $0 }.first { $0.count == graph.characterCount }
                ?? (0..<graph.characterCount).map(String.init),
            normalization: normalization, parameters: parameters, state: state)
    }
}

/// The correspondence of a configuration's layers to those of a file, from a JSON object: `{"conv2d_1": "features.0"}`.
package enum LayerNames {
    /// - Throws: an ``InputError`` if the file cannot be read or is not a JSON object of strings.
    package static func load(path: String) throws(InputError) -> [String: String] {
        let json = try JSONValue.parse([UInt8](WeightFile.contents(path)), name: path)
        guard case .object(let object) = json else {
            throw InputError(path, expected: "a JSON object of layer names", received: "something else")
        }
        var names: [String: String] = [:]
        for member in object.members {
            guard case .string(let name) = member.value else {
                throw InputError(
                    "\(path): \(member.key)", expected: "the layer's name in the file", received: member.value.text)
            }
            names[member.key] = name
        }
        return names
    }
}
