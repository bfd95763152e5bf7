import Datasets
import Evaluation
import Tensors

extension Audit {
    /// A set of images with a network's predictions.
    package struct Side: Sendable {
        package var name: String
        package var images: ImageSet
        package var predictions: Predictions
        /// The network's features, `[N, d]`; nil if it has none.
        package var features: [Float]?

        /// - Parameter probabilities: the predictions, `[N, K]`.
        /// - Throws: an `InputError` if they are not probabilities or there are no images.
        package init(
            name: String, images: ImageSet, probabilities: [Double], features: [Float]?
        ) throws(InputError) {
            (self.name, self.images, self.features) = (name, images, features)
            predictions = try Predictions(
                labels: images.labels.map(Int.init), probabilities: probabilities.map { Float($0) },
                classNames: images.classNames)
        }

        /// The mean probability of the predicted class, and the accuracy.
        fileprivate var means: (confidence: Double, accuracy: Double) {
            let n = Double(predictions.count)
            let confidence = (0..<predictions.count).reduce(0.0) { $0 + Double(predictions.confidence($1)) }
            let right = zip(predictions.labels, predictions.predictedLabels).count { $0 == $1 }
            return (confidence / n, Double(right) / n)
        }

        /// Returns the input of the classifier of ``TwoSampleTest``: features and measures, `[N, d]`.
        fileprivate func columns(_ measures: [ImageMeasure: [Double]]) -> (values: [Double], d: Int) {
            let width = features.map { $0.count / max(images.count, 1) } ?? 0
            let d = width + ImageMeasure.allCases.count
            var values: [Double] = []
            values.reserveCapacity(images.count * d)
            for i in 0..<images.count {
                if let features { for j in 0..<width { values.append(Double(features[i * width + j])) } }
                for measure in ImageMeasure.allCases { values.append(measures[measure]?[i] ?? 0) }
            }
            return (values, d)
        }
    }

    /// Compares two sets of images.
    package static func drift(_ first: Side, _ second: Side, seed: UInt64) -> Drift {
        let sides = [first, second], measures = sides.map { ImageMeasure.all($0.images) }
        let columns = zip(sides, measures).map { $0.columns($1) }
        let tests = ImageMeasure.allCases.map { KolmogorovSmirnov(measures[0][$0] ?? [], measures[1][$0] ?? []) }
        let corrected = SliceFinder.holm(tests.map(\.p))
        let sizes = sides.map(\.images.classSizes), means = sides.map(\.means)
        return Drift(
            first: first.name, second: second.name, counts: sides.map(\.images.count),
            test: TwoSampleTest.run(
                first: columns[0].values, second: columns[1].values, d: columns[0].d, seed: seed),
            measures: ImageMeasure.allCases.enumerated().map { i, measure in
                (
                    measure,
                    measures.map { all in
                        let sorted = (all[measure] ?? []).sorted()
                        return sorted.isEmpty ? 0 : sorted[sorted.count / 2]
                    }, tests[i].statistic, corrected[i]
                )
            },
            classShares: sizes.map { row in row.map { Double($0) / Double(max(row.reduce(0, +), 1)) } },
            classP: ClassShares.p(sizes[0], sizes[1]), confidence: means.map(\.confidence),
            accuracy: means.map(\.accuracy),
            calibrationError: sides.map { Calibration($0.predictions).expectedError })
    }
}
