import Datasets
import Evaluation
import Tensors

extension Audit {
    /// A set of images with what a network says of them.
    package struct Side: Sendable {
        package var name: String
        package var images: ImageSet
        /// `[N, K]`.
        package var probabilities: [Double]
        /// `[N, d]`; nil: the network has none.
        package var features: [Float]?

        package init(name: String, images: ImageSet, probabilities: [Double], features: [Float]?) {
            (self.name, self.images) = (name, images)
            (self.probabilities, self.features) = (probabilities, features)
        }

        /// What the classifier of ``TwoSampleTest`` is given: features and measures, `[N, d]`.
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

        /// Of the most probable class: the mean probability, the share that is right, and the expected calibration error.
        fileprivate var summary: (confidence: Double, accuracy: Double, calibrationError: Double) {
            let k = images.classCount, n = images.count
            var confidence = 0.0, right = 0
            var bins = [(count: Int, confidence: Double, right: Int)](repeating: (0, 0, 0), count: 15)
            for i in 0..<n {
                var best = 0
                for c in 1..<k where probabilities[i * k + c] > probabilities[i * k + best] { best = c }
                let p = probabilities[i * k + best], isRight = best == Int(images.labels[i])
                confidence += p
                right += isRight ? 1 : 0
                let bin = min(Int(p * 15), 14)
                bins[bin].count += 1
                bins[bin].confidence += p
                bins[bin].right += isRight ? 1 : 0
            }
            let error = bins.reduce(0) { $0 + abs($1.confidence - Double($1.right)) }
            let count = Double(max(n, 1))
            return (confidence / count, Double(right) / count, error / count)
        }
    }

    /// Compares two sets.
    package static func drift(_ first: Side, _ second: Side, seed: UInt64) -> Drift {
        let sides = [first, second], measures = sides.map { ImageMeasure.all($0.images) }
        let columns = zip(sides, measures).map { $0.columns($1) }
        let tests = ImageMeasure.allCases.map { KolmogorovSmirnov(measures[0][$0] ?? [], measures[1][$0] ?? []) }
        let corrected = SliceFinder.holm(tests.map(\.p))
        let sizes = sides.map(\.images.classSizes), summaries = sides.map(\.summary)
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
            classP: ClassShares.p(sizes[0], sizes[1]), confidence: summaries.map(\.confidence),
            accuracy: summaries.map(\.accuracy), calibrationError: summaries.map(\.calibrationError))
    }
}
