import Datasets
import Evaluation
import Tensors
import Workers

/// What is known of the images before an audit.
package struct AuditEvidence: Sendable {
    /// The images judged by networks that were not trained on them, in ascending order, and their probabilities
    /// `[count, K]`.
    package var judged: [Int]
    package var probabilities: [Double]
    /// A network's features of every image, averaged over positions, `[N, d]`; nil if it has none.
    package var features: [Float]?
    /// How strange each judged image looks, `[count]`: 0 is the median of known images, 1 their 95th percentile; nil
    /// without a detector.
    package var strangeness: [Double]?

    package init(judged: [Int], probabilities: [Double], features: [Float]?, strangeness: [Double]?) {
        (self.judged, self.probabilities) = (judged, probabilities)
        (self.features, self.strangeness) = (features, strangeness)
    }
}

/// The options of an audit.
package struct AuditOptions: Sendable {
    package var pruning = LabelPruning.bySelfConfidence
    package var ranking = LabelQuality.selfConfidence
    package var duplicates = DuplicateFinder.Limits()
    package var seed: UInt64 = 0

    package init() {}
}

/// The findings of an audit.
package struct Audit: Sendable {
    /// Images that are duplicates of each other.
    package struct DuplicateGroup: Hashable, Sendable {
        /// The images, in ascending order.
        package var members: [Int]
        /// Whether all have the same bytes.
        package var isExact: Bool
        /// The largest residual among its pairs; 0 if exact.
        package var residual: Double
        /// The largest ratio of a residual to those of other neighbours; 0 if exact.
        package var ratio: Double
        /// Whether the group spans more than one part.
        package var isLeak: Bool
        /// Whether its members were given different classes.
        package var hasConflict: Bool
    }

    /// An image that resembles none of the others.
    package struct Stranger: Hashable, Sendable {
        package var index: Int
        /// The score: 0 is the median of known images, 1 their 95th percentile.
        package var score: Double
        /// Whether it is far from all of them.
        package var isFar: Bool { score > Audit.strangeFrom }
    }

    /// A comparison of another set with the audited one.
    package struct Drift: Sendable {
        package var first: String
        package var second: String
        package var counts: [Int]
        package var test: TwoSampleTest?
        /// For each measure: the medians of both sets, the Kolmogorov–Smirnov statistic, and its p-value by Holm's
        /// correction.
        package var measures: [(measure: ImageMeasure, medians: [Double], statistic: Double, p: Double)]
        /// The shares of the given classes, `[K]` each, and Pearson's p-value.
        package var classShares: [[Double]]
        package var classP: Double
        /// The mean probability of the most probable class, and the accuracy and calibration error by the given labels.
        package var confidence: [Double]
        package var accuracy: [Double]
        package var calibrationError: [Double]
    }

    package let images: AuditedImages
    package let judged: [Int]
    /// The findings on labels; their indices are those among all images.
    package let labels: LabelFindings
    package let duplicates: [DuplicateGroup]
    /// The strangest images first: all that are far, and enough others to show what is nearly far.
    package let strangers: [Stranger]
    package let slices: [Slice]
    package var drift: Drift?
    /// The accuracy on the judged images.
    package let accuracy: Double

    /// An image is far if its score exceeds this multiple of the distance from the median to the 95th percentile.
    package static let strangeFrom = 3.0
    private static let fewestShown = 60

    /// - Parameter progress: called with the name of each step before it begins.
    /// - Throws: an `InputError` if the evidence does not contain probabilities.
    package init(
        _ images: AuditedImages, _ evidence: AuditEvidence, options: AuditOptions, pool: WorkerPool,
        progress: (String) -> Void
    ) throws(InputError) {
        self.images = images
        judged = evidence.judged
        let all = images.images, judged = evidence.judged
        let data = try LabelledProbabilities(
            labels: judged.map { Int(all.labels[$0]) }, probabilities: evidence.probabilities,
            classNames: all.classNames)
        progress("Labels")
        labels = LabelFindings(data, pruning: options.pruning, ranking: options.ranking).renumbered(judged)
        let isRight = (0..<data.count).map { data.predicted($0) == data.labels[$0] }
        accuracy = Double(isRight.filter { $0 }.count) / Double(max(data.count, 1))
        progress("Slices")
        let judgedImages = judged.count == all.count ? all : all.subset(judged)
        slices = SliceFinder.slices(
            isRight: isRight, labels: data.labels, classNames: data.classNames,
            measures: ImageMeasure.all(judgedImages))
        strangers = Self.strangers(evidence.strangeness ?? [], judged)
        progress("Duplicates")
        duplicates = Self.duplicates(images, features: evidence.features, options.duplicates, pool)
    }

    private static func strangers(_ scores: [Double], _ judged: [Int]) -> [Stranger] {
        let order = zip(judged, scores).map { Stranger(index: $0, score: $1) }
            .sorted { ($1.score, $0.index) < ($0.score, $1.index) }
        return Array(order.prefix(max(fewestShown, order.filter(\.isFar).count)))
    }

    private static func duplicates(
        _ images: AuditedImages, features: [Float]?, _ limits: DuplicateFinder.Limits, _ pool: WorkerPool
    ) -> [DuplicateGroup] {
        let all = images.images
        let exact = DuplicateFinder.exact(all)
        let near = DuplicateFinder(all, pool: pool).near(features: features, limits: limits)
        var residuals: [Int: Double] = [:], ratios: [Int: Double] = [:]
        let pairs =
            near.map { ($0.first, $0.second) } + exact.flatMap { group in group.dropFirst().map { (group[0], $0) } }
        for pair in near {
            for index in [pair.first, pair.second] {
                residuals[index] = max(residuals[index] ?? 0, pair.residual)
                ratios[index] = max(ratios[index] ?? 0, pair.ratio)
            }
        }
        let sets = Set(exact)
        return DuplicateFinder.groups(pairs, count: all.count).map { members in
            let isExact = sets.contains(members)
            return DuplicateGroup(
                members: members, isExact: isExact,
                residual: isExact ? 0 : members.compactMap { residuals[$0] }.max() ?? 0,
                ratio: isExact ? 0 : members.compactMap { ratios[$0] }.max() ?? 0,
                isLeak: Set(members.map { images.place($0).part }).count > 1,
                hasConflict: Set(members.map { all.labels[$0] }).count > 1)
        }
    }
}
