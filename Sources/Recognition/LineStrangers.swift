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
        func read(_ line: LineProbabilities, _: [UInt8]) -> [Int] { line.readings().first?.text ?? [] }
        guard let learned = Activations(lines, text: { $1.map(Int.init) }),
            let known = Activations(heldOut, text: read), let unknown = Activations(strangers, text: read),
            let classes = lines.first?.logits.classes
        else { return nil }
        return fit(
            training: learned, labels: lines.flatMap(\.text), heldOut: known, strangers: unknown, classes: classes)
    }

    /// Returns the familiarity of each character of `text`, in a line with features; see ``familiarity(score:)``.
    func familiarities(of text: [Int], at columns: [ClosedRange<Int>], in logits: LineLogits) -> [Double]? {
        Activations(text, at: columns, in: logits).map(familiarities)
    }
}

extension StrangerDetector.Activations {
    /// The activations of the characters of lines; nil if features were not kept.
    /// - Parameter text: Returns the characters, given a line's probabilities and its true text.
    fileprivate init?(_ lines: StrangerDetector.Lines, text: (LineProbabilities, [UInt8]) -> [Int]) {
        self.init(logits: [], features: [])
        for line in lines {
            let probabilities = line.logits.probabilities(), text = text(probabilities, line.text)
            guard !text.isEmpty else { continue }
            guard let own = Self(text, at: probabilities.alignment(of: text), in: line.logits) else { return nil }
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
