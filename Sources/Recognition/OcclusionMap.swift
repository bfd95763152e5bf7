import Foundation

/// An occlusion sensitivity map: how much the probability of a network's answer drops when a part of the picture is
/// covered.
///
/// A patch of k×k pixels, k = max(3, ⌊5·min(H, W)/28⌋ made odd), is set to paper around every s-th pixel of every s-th
/// row, s = max(1, ⌊min(H, W)/28⌋). With p and p' the probabilities of the answer without and with the patch, the
/// patch's value is `log p − log p'`. A pixel's value is the mean over the patches that cover it: positive where ink
/// supports the answer, negative where it contradicts it.
///
/// Source: M. D. Zeiler, R. Fergus, "Visualizing and Understanding Convolutional Networks", 2014, arXiv:1311.2901.
package struct OcclusionMap: Sendable {
    package let height: Int
    package let width: Int
    /// The sensitivities, `[height, width]`, in nats.
    package let values: [Float]

    private static let inputsAtOnce = 128

    package init(_ reader: DigitReader, _ character: ReadCharacter) {
        let shape = reader.inputShape
        (height, width) = (shape.height, shape.width)
        let answer = character.classIndex
        let reach = max(3, 5 * min(height, width) / 28) / 2, step = max(1, min(height, width) / 28)
        // Uses the upright view alone, as do all that follow.
        let before = log(max(reader.probabilities(of: [character.input])[0][answer], 1e-12))
        // Zero where a patch covers no ink.
        var says = [Double](repeating: 0, count: height * width)
        var centres: [Int] = [], inputs: [[UInt8]] = []
        func ask() {
            for (centre, p) in zip(centres, reader.probabilities(of: inputs)) {
                says[centre] = before - log(max(p[answer], 1e-12))
            }
            (centres, inputs) = ([], [])
        }
        for y in stride(from: 0, to: height, by: step) {
            for x in stride(from: 0, to: width, by: step) {
                var covered = character.input
                var changes = false
                for v in max(0, y - reach)...min(height - 1, y + reach) {
                    for u in max(0, x - reach)...min(width - 1, x + reach) where covered[v * width + u] > 0 {
                        covered[v * width + u] = 0
                        changes = true
                    }
                }
                guard changes else { continue }
                centres.append(y * width + x)
                inputs.append(covered)
                if inputs.count == Self.inputsAtOnce { ask() }
            }
        }
        ask()
        var values = [Float](repeating: 0, count: height * width)
        for y in 0..<height {
            for x in 0..<width {
                var sum = 0.0, count = 0.0
                for v in max(0, y - reach)...min(height - 1, y + reach) where v % step == 0 {
                    for u in max(0, x - reach)...min(width - 1, x + reach) where u % step == 0 {
                        sum += says[v * width + u]
                        count += 1
                    }
                }
                values[y * width + x] = Float(sum / max(count, 1))
            }
        }
        self.values = values
    }
}
