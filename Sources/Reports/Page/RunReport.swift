import Evaluation
import Foundation
import NeuralNetwork
import Runs
import Tensors
import Training

/// `report.html`: a run on one page, for people to read and to share. A single file, without scripts or network access.
///
/// The page is `Resources/report.mustache` (https://mustache.github.io), filled with
/// ``ReportPage``. The template escapes everything except the pictures, whose text ``SVGDocument`` escapes.
package struct RunReport: Sendable {
    /// The images that the network was trained on.
    package struct DataDescription: Sendable {
        package var dataset: String
        package var isSample: Bool
        /// The number of images for training and for choosing among epochs; nil if a stored model was evaluated.
        package var training: Int?
        package var validation: Int?
        /// Whether the epoch was chosen on the validation images.
        package var choosesEpoch: Bool
        package var imageShape: Shape

        package init(
            dataset: String, isSample: Bool, training: Int?, validation: Int?, choosesEpoch: Bool = false,
            imageShape: Shape
        ) {
            self.dataset = dataset
            self.isSample = isSample
            self.training = training
            self.validation = validation
            self.choosesEpoch = choosesEpoch
            self.imageShape = imageShape
        }
    }

    /// The experiment's name.
    package var name: String
    package var data: DataDescription
    package var graph: ResolvedGraph
    package var evaluation: EvaluationSummary
    package var metrics: MetricsRecord
    /// Nil if a stored model was evaluated.
    package var history: TrainingHistory?
    package var pictures: RunPictures
    /// The resolved configuration as JSON.
    package var configuration: String
    package var environment: EnvironmentRecord
    /// Commands that reproduce the run, one per line.
    package var reproduction: [String]
    /// The individual models of an ensemble; `graph` is the first one's.
    package var members: [EnsembleMember] = []
    /// The number of views of each test image whose probabilities were averaged.
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

    /// Returns the complete page.
    /// - Throws: `OperationError` if the template is missing or cannot be read.
    package func html() throws(OperationError) -> String { try ReportPage(self).html() }
}
