import Datasets
import Evaluation
import NeuralNetwork
import Training

/// Out-of-distribution detection in lines of text.
///
/// Each character is scored at the one of its columns in which its class has the largest logit: by that column's
/// logits, including the blank's, and its features, the input of the classifying layer.
extension StrangerDetector {
    /// What a network gives for lines, with their true texts.
    package typealias Lines = [(logits: LineLogits, text: [UInt8])]

    /// Fits a detector to a line-reading network, of whose ``LineLogits/features`` it needs those of every column.
    /// - Parameters:
    ///   - training: Training lines, which contribute the characters of their true texts.
    ///   - heldOut: Lines that the network was not trained on; they contribute the characters read in them.
    ///   - strangers: Lines of no characters, likewise.
    /// - Returns: Nil if there are no features, or for the reasons of
    ///   ``fit(training:labels:heldOut:strangers:classes:)``.
    package static func fit(training: Lines, heldOut: Lines, strangers: Lines) -> StrangerDetector? {
        let lines = training.filter { $0.logits.columns >= LineSet.columnsNeeded($0.text) }
        guard let learned = Activations(lines.map { ($0.logits, $0.text.map(Int.init)) }),
            let known = Activations(readIn: heldOut), let unknown = Activations(readIn: strangers),
            let classes = lines.first?.logits.classes
        else { return nil }
        return fit(
            training: learned, labels: lines.flatMap(\.text), heldOut: known, strangers: unknown, classes: classes)
    }

    /// Returns the familiarity of each character of `text`, in a line with features; see ``familiarity(score:)``.
    func familiarities(of text: [Int], at columns: [ClosedRange<Int>], in logits: LineLogits) -> [Double]? {
        Activations(text, at: columns, in: logits).map { scores($0).map { familiarity(score: $0) } }
    }
}

extension StrangerDetector.Activations {
    /// The activations of the characters that the network reads in lines.
    fileprivate init?(readIn lines: StrangerDetector.Lines) {
        self.init(lines.map { ($0.logits, $0.logits.probabilities().readings().first?.text ?? []) })
    }

    /// The activations of the characters of lines with known texts.
    fileprivate init?(_ lines: [(logits: LineLogits, text: [Int])]) {
        self.init(logits: [], features: [])
        for (line, text) in lines where !text.isEmpty {
            guard let own = Self(text, at: line.probabilities().alignment(of: text), in: line) else { return nil }
            logits += own.logits
            features += own.features
        }
    }

    /// The activations of the characters of one line; nil if its features were not kept.
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
