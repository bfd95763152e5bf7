import Foundation
import Numeral

/// What training and evaluating do alike with a test set: classify, write, print.
enum Assessment {
    static func evaluate(_ classifier: Classifier, on images: ImageSet) throws -> EvaluationSummary {
        EvaluationSummary(
            try Predictions(
                labels: images.labels.map(Int.init), probabilities: classifier.probabilities(of: images),
                classNames: images.classNames))
    }

    static func write(
        _ evaluation: EvaluationSummary, to folder: RunFolder, dataset: String, source: LoadedData.Source,
        history: TrainingHistory?, threads: Int, parameters: Int
    ) throws {
        try folder.write(evaluation: evaluation)
        try folder.write(
            metrics: MetricsRecord(
                dataset: dataset, dataSource: source == .full ? .full : .sample,
                training: history.map(MetricsRecord.Training.init), threads: threads,
                blas: [BLASVendor.backend, BLASVendor.core].compactMap { $0 }.joined(separator: " "),
                parameters: parameters, test: evaluation))
    }

    static func printSummary(
        _ evaluation: EvaluationSummary, folder: RunFolder, dataset: String, source: LoadedData.Source
    ) {
        if source == .sample {
            print("On the BUNDLED SAMPLE of \(dataset) (3,500 / 500 / 1,000 images), not the full set\n")
        }
        print(ConsoleSummary.text(evaluation))
        print("Everything is in \(folder.url.relativePath)")
    }
}
