import Formats

/// Labels that look wrong, worst first.
package struct LabelFindings: Sendable {
    /// One of these labels.
    package struct Finding: Hashable, Sendable {
        /// The index of the sample.
        package var index: Int
        /// The class it was given.
        package var label: Int
        /// The class that it looks like.
        package var suggestion: Int
        /// The probability of the given class.
        package var labelProbability: Double
        /// The probability of the suggested class.
        package var suggestionProbability: Double
        /// The score by which findings are ranked.
        package var quality: Double
    }

    package let joint: ConfidentJoint
    package let pruning: LabelPruning
    package let ranking: LabelQuality
    /// The findings, lowest quality first; ties are in order of the index.
    package private(set) var findings: [Finding]
    /// Samples that are not findings, but are predicted differently from their label or among the hundredth of lowest
    /// quality: hard ones, and the wrong labels of a clean set, too few for a joint to detect. In the same order.
    package private(set) var doubtful: [Finding]

    package init(
        _ data: LabelledProbabilities, pruning: LabelPruning = .bySelfConfidence,
        ranking: LabelQuality = .selfConfidence
    ) {
        joint = ConfidentJoint(data)
        self.pruning = pruning
        self.ranking = ranking
        let quality = ranking.scores(data)
        func finding(_ i: Int) -> Finding {
            let suggestion = data.predicted(i)
            return Finding(
                index: i, label: data.labels[i], suggestion: suggestion,
                labelProbability: data.probability(i, data.labels[i]),
                suggestionProbability: data.probability(i, suggestion), quality: quality[i])
        }
        func ranked(_ indices: [Int]) -> [Finding] {
            indices.map(finding).sorted { ($0.quality, $0.index) < ($1.quality, $1.index) }
        }
        let issues = pruning.issues(data, joint), known = Set(issues)
        findings = ranked(issues)
        let lowest = Set((0..<data.count).sorted { (quality[$0], $0) < (quality[$1], $1) }.prefix(data.count / 100))
        doubtful = ranked(
            (0..<data.count).filter {
                !known.contains($0) && (data.predicted($0) != data.labels[$0] || lowest.contains($0))
            })
    }

    /// All findings and doubtful samples, with whether each is a finding, lowest quality first.
    package var ranked: [(finding: Finding, isIssue: Bool)] {
        (findings.map { ($0, true) } + doubtful.map { ($0, false) })
            .sorted { ($0.finding.quality, $0.finding.index) < ($1.finding.quality, $1.finding.index) }
    }

    /// Returns the same findings with the images' indices among all images.
    func renumbered(_ indices: [Int]) -> LabelFindings {
        var result = self
        for i in result.findings.indices { result.findings[i].index = indices[findings[i].index] }
        for i in result.doubtful.indices { result.doubtful[i].index = indices[doubtful[i].index] }
        return result
    }
}
