import Formats

/// Labels that look wrong, the worst first.
package struct LabelFindings: Sendable {
    /// One of them.
    package struct Finding: Hashable, Sendable {
        /// Which sample.
        package var index: Int
        /// The class it was given.
        package var label: Int
        /// The class that it looks like.
        package var suggestion: Int
        /// Of the given class.
        package var labelProbability: Double
        /// Of the suggested one.
        package var suggestionProbability: Double
        /// By the score that ranks.
        package var quality: Double
    }

    package let joint: ConfidentJoint
    package let pruning: LabelPruning
    package let ranking: LabelQuality
    /// Of every sample, `[N]`.
    package let quality: [Double]
    /// Lowest quality first, by index on a tie.
    package let findings: [Finding]

    init(
        joint: ConfidentJoint, pruning: LabelPruning, ranking: LabelQuality, quality: [Double], findings: [Finding]
    ) {
        (self.joint, self.pruning, self.ranking) = (joint, pruning, ranking)
        (self.quality, self.findings) = (quality, findings)
    }

    package init(
        _ data: LabelledProbabilities, pruning: LabelPruning = .byNoiseRate, ranking: LabelQuality = .selfConfidence
    ) {
        joint = ConfidentJoint(data)
        self.pruning = pruning
        self.ranking = ranking
        let quality = ranking.scores(data)
        self.quality = quality
        findings = pruning.issues(data, joint).map { i in
            let suggestion = data.predicted(i)
            return Finding(
                index: i, label: data.labels[i], suggestion: suggestion,
                labelProbability: data.probability(i, data.labels[i]),
                suggestionProbability: data.probability(i, suggestion), quality: quality[i])
        }.sorted { ($0.quality, $0.index) < ($1.quality, $1.index) }
    }
}
