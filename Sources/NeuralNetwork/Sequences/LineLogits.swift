import Foundation
import Kernels
import Tensors

/// A network's output for a line of text: a row of logits for each column, with the blank last.
package struct LineLogits: Sendable {
    /// `[T, K]`.
    package let values: [Float]
    /// T.
    package let columns: Int
    /// K, including the blank.
    package let classes: Int
    /// The input of the last layer with a kernel, `[T, F]`; `nil` if it was not kept.
    package let features: [Float]?

    package init(values: [Float], columns: Int, classes: Int, features: [Float]? = nil) {
        precondition(values.count == columns * classes && columns > 0 && classes > 1, "LineLogits: not columns×classes")
        precondition((features?.count ?? 0).isMultiple(of: columns), "LineLogits: not columns×features")
        (self.values, self.columns, self.classes, self.features) = (values, columns, classes, features)
    }

    /// The classes of the columns' largest logits, with repeats merged and blanks removed, and the column where each
    /// begins.
    package var bestPath: [(label: Int, column: Int)] {
        values.withUnsafeBufferPointer { z in
            z.baseAddress.map { CTCDecoding.bestPath($0, columns: columns, classes: classes) } ?? []
        }
    }

    /// Returns `−log P(text)`: see ``CTCKernels``.
    package func negativeLogLikelihood(of text: [UInt8]) -> Double {
        let labels = text.map(Int32.init)
        return values.withUnsafeBufferPointer { z in
            labels.withUnsafeBufferPointer { text in
                z.baseAddress.map {
                    CTCKernels.loss($0, columns: columns, classes: classes, text: text, weight: 1, dz: nil)
                } ?? .infinity
            }
        }
    }

    /// Returns every column's probabilities at a temperature.
    package func probabilities(temperature: Double = 1) -> LineProbabilities {
        var logP = [Double](repeating: 0, count: values.count)
        values.withUnsafeBufferPointer { z in
            logP.withUnsafeMutableBufferPointer { target in
                guard let z = z.baseAddress, let target = target.baseAddress else { return }
                CTCKernels.logProbabilities(
                    z, columns: columns, classes: classes, temperature: temperature, into: target)
            }
        }
        return LineProbabilities(logarithms: logP, columns: columns, classes: classes)
    }
}

/// The log-probabilities of the classes in each column of a line, with the blank last.
package struct LineProbabilities: Sendable {
    /// `[T, K]`.
    package let logarithms: [Double]
    package let columns: Int
    package let classes: Int

    /// Returns `log P(text)`, over all alignments of its characters with the columns.
    package func logLikelihood(of text: [Int]) -> Double {
        withPointers(to: text) { CTCKernels.logLikelihood($0, columns: columns, classes: classes, text: $1) }
    }

    /// Returns probabilities `[K]` for each character of `text`, given the others: of each class in its place, and last
    /// of there being no character.
    package func alternatives(to text: [Int]) -> [[Double]] {
        let likelihoods = withPointers(to: text) { p, labels in
            [Double](unsafeUninitializedCapacity: text.count * classes) { target, count in
                guard let first = target.baseAddress else { return }
                CTCKernels.substitutions(p, columns: columns, classes: classes, text: labels, result: first)
                count = text.count * classes
            }
        }
        return text.indices.map { i in
            let row = likelihoods[(i * classes)..<((i + 1) * classes)]
            let top = row.max() ?? 0, weights = row.map { exp($0 - top) }
            let total = weights.reduce(0, +)
            return weights.map { $0 / total }
        }
    }

    /// Returns the columns of each character of `text` on its most probable path.
    package func alignment(of text: [Int]) -> [ClosedRange<Int>] {
        withPointers(to: text) { CTCKernels.alignment($0, columns: columns, classes: classes, text: $1) }
    }

    /// Calls `body` with the logarithms and the classes of `text`.
    private func withPointers<Result>(
        to text: [Int], _ body: (UnsafePointer<Double>, UnsafeBufferPointer<Int32>) -> Result
    ) -> Result {
        logarithms.withUnsafeBufferPointer { p in
            guard let p = p.baseAddress else { preconditionFailure("LineProbabilities: a line has columns") }
            return text.map(Int32.init).withUnsafeBufferPointer { body(p, $0) }
        }
    }
}
