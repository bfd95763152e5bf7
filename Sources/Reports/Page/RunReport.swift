import Evaluation
import Foundation
import NeuralNetwork
import Runs
import Tensors
import Training

/// `report.html`: a run on one page, for people to read and to show around. One file, without scripts or network.
///
/// The page is `Resources/report.mustache` (https://mustache.github.io), filled with ``ReportPage``; everything but the
/// pictures, whose text is escaped by ``SVGDocument``, is escaped there.
package struct RunReport: Sendable {
    /// Which images the network saw.
    package struct DataDescription: Sendable {
        package var dataset: String
        package var isSample: Bool
        /// Images that trained it and that chose among epochs; nil where a stored model was evaluated.
        package var training: Int?
        package var validation: Int?
        package var imageShape: Shape

        package init(dataset: String, isSample: Bool, training: Int?, validation: Int?, imageShape: Shape) {
            self.dataset = dataset
            self.isSample = isSample
            self.training = training
            self.validation = validation
            self.imageShape = imageShape
        }
    }

    /// The experiment's name.
    package var name: String
    package var data: DataDescription
    package var graph: ResolvedGraph
    package var evaluation: EvaluationSummary
    package var metrics: MetricsRecord
    /// Nil where a stored model was evaluated.
    package var history: TrainingHistory?
    package var pictures: RunPictures
    /// The resolved configuration, JSON.
    package var configuration: String
    package var environment: EnvironmentRecord
    /// Commands that repeat the run, one a line.
    package var reproduction: [String]
    /// Where several models were averaged, each on its own; `graph` is the first's.
    package var members: [EnsembleMember] = []
    /// Views of each test image whose probabilities were averaged.
    package var views = 1

    package init(
        name: String, data: DataDescription, graph: ResolvedGraph, evaluation: EvaluationSummary,
        metrics: MetricsRecord, history: TrainingHistory?, pictures: RunPictures, configuration: String,
        environment: EnvironmentRecord, reproduction: [String]
    ) {
        self.name = name
        self.data = data
        self.graph = graph
        self.evaluation = evaluation
        self.metrics = metrics
        self.history = history
        self.pictures = pictures
        self.configuration = configuration
        self.environment = environment
        self.reproduction = reproduction
    }

    /// The whole page.
    /// - Throws: `OperationError` where the template is absent or cannot be read.
    package func html() throws(OperationError) -> String { try ReportPage(self).html() }
}
