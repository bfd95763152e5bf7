import Datasets
import Evaluation
import NeuralNetwork
import Training

/// Strangers in lines of text. Each character is judged by the column in which its class is most probable, of those that are its: by that
/// column's logits, the blank among them, and by what the layer that decides has read there.
extension StrangerDetector {
    /// Fits a detector to a network of lines; of held-out lines and of strangers those characters are taken that it reads.
    /// - Parameters:
    ///   - networks: made with features kept, and loaded.
    ///   - training: lines that it learned from, by their texts.
    ///   - heldOut: lines that it did not.
    /// - Returns: nil where it has no features for each column, and as
    ///   ``fit(training:labels:heldOut:strangers:classes:)``.
    package static func fit(_ networks: LineNetworks, training: LineSet, heldOut: LineSet) -> StrangerDetector? {
        let lines = networks.logits(of: training).filter { $0.logits.columns >= $0.text.count }
        guard let learned = Activations(lines.map { ($0.logits, $0.text.map(Int.init)) }),
            let known = Activations(read: heldOut, by: networks),
            let strangers = Activations(read: heldOut.strangers, by: networks),
            let classes = lines.first?.logits.classes
        else { return nil }
        return fit(
            training: learned, labels: lines.flatMap(\.text), heldOut: known, strangers: strangers, classes: classes)
    }

    /// How familiar the characters of `text` look, in a line with features; see ``familiarity(score:)``.
    func familiarities(of text: [Int], at columns: [ClosedRange<Int>], in logits: LineLogits) -> [Double]? {
        Activations(text, at: columns, in: logits).map { scores($0).map { familiarity(score: $0) } }
    }
}

extension StrangerDetector.Activations {
    /// Of the characters that the network reads in lines.
    fileprivate init?(read lines: LineSet, by networks: LineNetworks) {
        self.init(
            networks.logits(of: lines).map { line in
                (line.logits, line.logits.probabilities().readings().first?.text ?? [])
            })
    }

    /// Of the characters of lines.
    fileprivate init?(_ lines: [(logits: LineLogits, text: [Int])]) {
        self.init(logits: [], features: [])
        for (line, text) in lines where !text.isEmpty {
            guard let own = Self(text, at: line.probabilities().alignment(of: text), in: line) else { return nil }
            logits += own.logits
            features += own.features
        }
    }

    /// Of the characters of one line. Nil where its features were not kept.
    fileprivate init?(_ text: [Int], at columns: [ClosedRange<Int>], in line: LineLogits) {
        guard let all = line.features else { return nil }
        self.init(logits: [], features: [])
        let width = all.count / line.columns
        for (character, own) in zip(text, columns) {
            func logit(_ column: Int) -> Float { line.values[column * line.classes + character] }
            let column = own.max { logit($0) < logit($1) } ?? own.lowerBound
            logits += line.values[(column * line.classes)..<((column + 1) * line.classes)]
            features += all[(column * width)..<((column + 1) * width)]
        }
    }
}
