import Evaluation
import Formats
import NeuralNetwork
import Tensors
import Training

/// The storage of a ``StrangerDetector`` in a model file: three tensors, plus the kind and two scales in the metadata.
extension StrangerDetector {
    static let metadataKey = "numeral.strangers"
    private static let prefix = "strangers."

    var metadata: String {
        let object: JSONValue = [
            "kind": .string(kind.rawValue),
            "energy": .array([.number(energy.centre), .number(energy.spread)]),
            "mahalanobis": .array([.number(mahalanobis.centre), .number(mahalanobis.spread)]),
        ]
        return object.text
    }

    var tensors: [TensorRecord] {
        [
            TensorRecord(name: Self.prefix + "means", shape: [classCount, featureCount], values: means),
            TensorRecord(name: Self.prefix + "whitening", shape: [featureCount, featureCount], values: whitening),
            TensorRecord(name: Self.prefix + "quantiles", shape: [quantiles.count], values: quantiles),
        ]
    }

    /// Returns the detector, or nil if the file has none, and the file's remaining tensors.
    /// - Throws: An `InputError` if a part is missing or does not match the network.
    static func read(
        _ file: SafetensorsFile, _ graph: ResolvedGraph, name: String
    ) throws(InputError) -> (rest: [TensorRecord], detector: StrangerDetector?) {
        let own = file.tensors.filter { $0.name.hasPrefix(prefix) }
        let rest = file.tensors.filter { !$0.name.hasPrefix(prefix) }
        guard let text = file.metadata[metadataKey] else { return (file.tensors, nil) }
        let place = "\(name): \(metadataKey)"
        let object = try JSONValue.parse(text, name: place).object
        func scale(_ key: String) throws(InputError) -> Scale {
            let numbers: [Double] = (object?[key]?.array ?? []).compactMap {
                if case .number(let number) = $0 { number.double } else { nil }
            }
            guard numbers.count == 2, numbers.allSatisfy(\.isFinite), numbers[1] > 0 else {
                throw InputError("\(place).\(key)", expected: "a finite centre and a positive spread", received: text)
            }
            return Scale(centre: numbers[0], spread: numbers[1])
        }
        guard let kind = object?["kind"]?.string.flatMap(Kind.init) else {
            throw InputError(
                "\(place).kind", expected: Kind.allCases.map(\.rawValue).joined(separator: ", "), received: text)
        }
        guard let features = graph.featurePlaces?.channels else {
            throw InputError(
                place, expected: "a network with features", received: "one whose last layer reads the images")
        }
        func tensor(_ part: String, _ shape: [Int]) throws(InputError) -> [Float] {
            guard let found = own.first(where: { $0.name == prefix + part }), found.shape == shape,
                found.values.allSatisfy(\.isFinite)
            else {
                throw InputError("\(name): \(prefix)\(part)", expected: "finite values [\(shape)]", received: "others")
            }
            return found.values
        }
        let means = try tensor("means", [graph.classCount, features])
        let whitening = try tensor("whitening", [features, features]), quantiles = try tensor("quantiles", [1001])
        guard own.count == 3, zip(quantiles, quantiles.dropFirst()).allSatisfy({ $0 <= $1 }) else {
            throw InputError("\(name): \(prefix)quantiles", expected: "rising values", received: "others")
        }
        let energy = try scale("energy"), mahalanobis = try scale("mahalanobis")
        return (
            rest,
            StrangerDetector(
                kind: kind, energy: energy, mahalanobis: mahalanobis, classCount: graph.classCount, means: means,
                whitening: whitening, quantiles: quantiles)
        )
    }
}
