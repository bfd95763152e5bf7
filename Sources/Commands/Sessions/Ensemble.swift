import Foundation
import Numeral
import Runs
import Workers

/// Several models that predict together: the mean of their probabilities, and each one's own metrics.
struct Ensemble {
    var members: [EnsembleMember]
    var probabilities: [Float]

    var parameterCount: Int { members.reduce(0) { $0 + $1.parameters } }

    /// Classifies the images with one model after the other, so that only one is in memory at a time.
    /// - Parameter load: opens a model, with the evaluation that is requested.
    /// - Throws: `InputError` if a model is for images of another shape or for other classes.
    init(
        _ paths: [String], on images: ImageSet, dataset: String, pool: WorkerPool, communicator: any Communicator,
        load: (String) throws -> SavedModel,
        progress: (_ index: Int, _ path: String) -> Void
    ) throws {
        members = []
        var mean = ProbabilityMean()
        let labels = images.labels.map(Int.init)
        var classNames: [String]?
        for (index, path) in paths.enumerated() {
            progress(index, path)
            let model = try load(path)
            do {
                try Classifier.check(model.graph, fits: images, named: dataset)
            } catch {
                throw InputError(
                    path, expected: "a model for the images of \(dataset), like the first of the ensemble",
                    received: "\(error.place) \(error.received) instead of \(error.expected)")
            }
            if let classNames, classNames != model.classNames {
                throw InputError(
                    path, expected: "the classes of \(paths[0]): \(classNames.joined(separator: ", "))",
                    received: model.classNames.joined(separator: ", "))
            }
            classNames = model.classNames
            let classifier = Classifier(
                graph: model.graph, batchSize: model.experiment.evaluation.batchSize, for: images.count,
                normalization: model.normalization, pool: pool, communicator: communicator)
            classifier.load(parameters: model.parameters, state: model.state)
            let probabilities = try classifier.probabilities(
                of: images, averagedOver: model.experiment.evaluation.testTimeAugmentation)
            members.append(
                EnsembleMember(
                    name: path, parameters: model.graph.parameterCount,
                    predictions: try Predictions(
                        labels: labels, probabilities: probabilities, classNames: images.classNames)))
            mean.add(probabilities)
        }
        probabilities = mean.values
    }
}
