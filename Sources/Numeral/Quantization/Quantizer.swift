import Datasets
import Evaluation
import Experiments
import Foundation
import NeuralNetwork
import Tensors
import Training
import Workers

/// Quantizes those layers of a trained network to int8 that become faster on this machine, as long as the network
/// remains as accurate.
package struct Quantizer {
    /// The options of quantization.
    package struct Options: Sendable {
        /// The calibration method; nil selects the one with the lowest cross-entropy.
        package var method: CalibrationMethod?
        /// The number of images used to calibrate ranges and measure sensitivities.
        package var calibrationImages = 1000
        /// Whether to quantize layers regardless of their timings.
        package var isUntimed = false

        /// Creates the default options of `trainer quantize`.
        package init() {}
    }

    /// The error thrown if no layer remains quantized.
    package static let nothingGained = OperationError(
        "quantization", problem: "no layer is faster and as often right with bytes on this machine",
        remedy: "trainer quantize --untimed quantizes for another machine")

    private let saved: SavedModel
    private let folded: (graph: ResolvedGraph, parameters: AlignedBuffer<Float>, state: AlignedBuffer<Float>)
    private let images, calibrationImages: ImageSet
    private let options: Options
    private let pool: WorkerPool
    private let candidates: [Int]
    private let scales: [Int: [Float]]
    private let calibration: ActivationCalibration

    /// - Parameters:
    ///   - images: The images on which the two networks are compared; the first of them calibrate the ranges.
    /// - Throws: An ``InputError`` if nothing can be quantized, an ``OperationError`` if the network's values are not
    ///   finite.
    package init(_ saved: SavedModel, images: ImageSet, options: Options, pool: WorkerPool) throws {
        guard saved.graph.quantization.isEmpty else {
            throw InputError("the model", expected: "a model of floats", received: "one that is quantized already")
        }
        self.saved = saved
        self.images = images
        self.options = options
        self.pool = pool
        calibrationImages = images.subset(0..<min(options.calibrationImages, images.count))
        folded = try saved.graph.foldingNormalizations(parameters: saved.parameters, state: saved.state)
        let graph = folded.graph
        candidates = graph.nodes.indices.filter { graph.canQuantize($0) }
        guard !candidates.isEmpty else {
            throw InputError(
                "the model", expected: "conv2d or dense layers, which can multiply bytes", received: "neither")
        }
        let parameters = folded.parameters
        scales = Dictionary(
            uniqueKeysWithValues: candidates.map { ($0, graph.weightScales($0, parameters: parameters)) })
        calibration = try ActivationCalibration(
            of: Set(candidates.map { graph.nodes[$0].inputs[0] }), in: graph, parameters: parameters,
            state: folded.state,
            images: calibrationImages, normalization: saved.normalization, pool: pool)
    }

    private func graph(_ layers: [Int], _ method: CalibrationMethod) -> ResolvedGraph {
        folded.graph.quantizing(
            Dictionary(
                uniqueKeysWithValues: layers.map { node in
                    let input = calibration.scale(of: folded.graph.nodes[node].inputs[0], method)
                    return (node, LayerQuantization(input: input, weightScales: scales[node] ?? []))
                }))
    }

    private func classifier(_ graph: ResolvedGraph) -> Classifier {
        let classifier = Classifier(graph: graph, batchSize: batchSize, normalization: saved.normalization, pool: pool)
        classifier.load(parameters: folded.parameters, state: folded.state)
        return classifier
    }

    private var batchSize: Int { min(saved.experiment.evaluation.batchSize, max(1, images.count)) }

    /// Selects the layers and the method, and returns the quantized network with a report.
    package func run(progress: (String) -> Void = { _ in }) -> (model: SavedModel, report: QuantizationReport) {
        progress("Timing")
        let times = timings()
        // The layers that are faster, timed individually in a fully quantized network.
        let fast = candidates.filter { options.isUntimed || times[$0]?.isFaster == true }
        progress("Calibrating")
        let method = options.method ?? surest(fast)
        let float = classifier(folded.graph).probabilities(of: images)
        progress("Asking each layer alone")
        let sensitivities = candidates.map { (node: $0, value: sensitivity(graph([$0], method), float)) }
        progress("Comparing")
        // Drops the most sensitive layers one by one until the network is as accurate as before.
        let ordered = sensitivities.sorted { $0.value.divergence < $1.value.divergence }.map(\.node)
        var chosen = ordered.filter { fast.contains($0) }
        var comparison = compare(graph(chosen, method), float)
        while !comparison.isAsGood {
            chosen.removeLast()
            comparison = compare(graph(chosen, method), float)
        }
        let quantized = graph(chosen, method)
        var experiment = saved.experiment
        experiment.model = quantized.graph
        let model = SavedModel(
            experiment: experiment, graph: quantized, classNames: saved.classNames, normalization: saved.normalization,
            temperature: nil, strangers: nil, dataset: saved.ownData, learned: saved.learned,
            parameters: quantized.rounded(folded.parameters), state: folded.state)
        let layers = sensitivities.map { node, sensitivity in
            QuantizationReport.Layer(
                name: folded.graph.nodes[node].name, weights: folded.graph.nodes[node].parameters[0].count,
                times: times[node] ?? .init(float: 0, bytes: 0), sensitivity: sensitivity,
                fate: chosen.contains(node) ? .quantized : fast.contains(node) ? .sensitive : .notFaster)
        }
        return (
            model,
            QuantizationReport(layers: layers, method: method, comparison: comparison, rates: rates(quantized))
        )
    }

    // MARK: - Time

    /// Returns the times by layer. Operations such as pooling that are fused into an int8 layer are added to that
    /// layer's float time.
    private func timings() -> [Int: QuantizationReport.Times] {
        let graph = folded.graph
        let times = layerTimes([graph, self.graph(candidates, .minMax)], batchSize)
        let (float, bytes) = (times.seconds[0], times.seconds[1])
        var result = Dictionary(
            uniqueKeysWithValues: candidates.map { node in
                let name = graph.nodes[node].name
                return (node, QuantizationReport.Times(float: float[name] ?? 0, bytes: bytes[name] ?? 0))
            })
        for node in graph.nodes where bytes[node.name] == nil {
            guard let own = float[node.name] else { continue }
            var source = node.inputs[0]
            while source >= 0, result[source] == nil { source = graph.nodes[source].inputs[0] }
            result[source]?.float += own
        }
        return result
    }

    private func layerTimes(_ graphs: [ResolvedGraph], _ batchSize: Int) -> LayerTimes {
        let count = min(batchSize, images.count)
        let batch = Batch(capacity: count, imageSize: folded.graph.inputShape.count)
        BatchLoader.fill(batch, from: images, range: 0..<count, normalization: saved.normalization)
        return LayerTimes(
            of: graphs, parameters: folded.parameters, state: folded.state, images: batch.images, batchSize: count,
            pool: pool)
    }

    private func rates(_ quantized: ResolvedGraph) -> [QuantizationReport.Rate] {
        Set([1, batchSize]).sorted().map { size in
            let total = layerTimes([folded.graph, quantized], size).total
            return QuantizationReport.Rate(batchSize: size, float: 1 / total[0], bytes: 1 / total[1])
        }
    }

    // MARK: - Accuracy

    /// Returns the method whose network has the lowest cross-entropy.
    private func surest(_ layers: [Int]) -> CalibrationMethod {
        let losses = CalibrationMethod.allCases.map { method in
            (method, classifier(graph(layers, method)).score(images).loss)
        }
        return losses.min { $0.1 < $1.1 }?.0 ?? .minMax
    }

    private var classes: Int { folded.graph.classCount }

    /// Returns how much a network's answers differ from the float network's, on the calibration images.
    private func sensitivity(_ graph: ResolvedGraph, _ float: [Float]) -> QuantizationReport.Sensitivity {
        let own = classifier(graph).probabilities(of: calibrationImages), count = calibrationImages.count
        var divergence = 0.0
        for (p, q) in zip(float.prefix(count * classes), own) where p > 0 {
            divergence += Double(p) * log(Double(p) / Double(max(q, .leastNormalMagnitude)))
        }
        let changed = zip(predicted(own), predicted(float)).count { $0 != $1 }
        return QuantizationReport.Sensitivity(divergence: divergence / Double(count), changed: changed, images: count)
    }

    private func predicted(_ probabilities: [Float]) -> [Int] {
        (0..<probabilities.count / classes).map { image in
            var best = 0
            for k in 1..<classes where probabilities[image * classes + k] > probabilities[image * classes + best] {
                best = k
            }
            return best
        }
    }

    /// Compares a network with the float network.
    /// - Parameter float: The float network's probabilities for all images.
    private func compare(_ graph: ResolvedGraph, _ float: [Float]) -> QuantizationReport.Comparison {
        let first = predicted(float), second = predicted(classifier(graph).probabilities(of: images))
        var only = (first: 0, second: 0), right = 0
        for (index, label) in images.labels.enumerated() {
            let (a, b) = (first[index] == Int(label), second[index] == Int(label))
            if a, !b { only.first += 1 }
            if b, !a { only.second += 1 }
            if a { right += 1 }
        }
        return QuantizationReport.Comparison(
            right: right, changed: zip(first, second).count { $0 != $1 },
            test: McNemar(onlyFirst: only.first, onlySecond: only.second, count: images.count))
    }
}
