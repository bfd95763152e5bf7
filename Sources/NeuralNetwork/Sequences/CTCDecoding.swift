import Kernels
import Tensors

/// Decodes columns of logits to text. See ``CTCKernels`` for the rules.
package enum CTCDecoding {
    /// Returns the classes of the columns' largest logits, with repeats merged and blanks removed, and the column where
    /// each begins.
    package static func bestPath(
        _ z: UnsafePointer<Float>, columns: Int, classes: Int
    ) -> [(label: Int, column: Int)] {
        var text: [(Int, Int)] = []
        var last = classes - 1
        for t in 0..<columns {
            let k = SoftmaxKernels.argmax(z + t * classes, columns: classes)
            if k != last, k != classes - 1 { text.append((k, t)) }
            last = k
        }
        return text
    }

    /// Whether the best path spells `text`.
    static func isBestPath(
        _ z: UnsafePointer<Float>, columns: Int, classes: Int, text: UnsafeBufferPointer<Int32>
    ) -> Bool {
        bestPath(z, columns: columns, classes: classes).elementsEqual(text) { $0.label == Int($1) }
    }
}
