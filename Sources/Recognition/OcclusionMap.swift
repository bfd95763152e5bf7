import Foundation

/// Where a network looks: how much less probable its answer gets when a part of the picture is covered.
///
/// A patch of k×k pixels, k = max(3, ⌊5·min(H, W)/28⌋ made odd), is set to paper around every s-th pixel of every s-th
/// row, s = max(1, ⌊min(H, W)/28⌋); with the probability p of the answer without it and p' with it, the patch says
/// `log p − log p'`. A pixel's value is the mean over the patches that cover it: positive where ink speaks for the answer,
/// negative where it speaks against.
///
/// Source: M. D. Zeiler, R. Fergus, "Visualizing and Understanding Convolutional Networks", 2014, arXiv:1311.2901.
package struct OcclusionMap: Sendable {
    package let height: Int
    package let width: Int
    /// `[height, width]`, nats.
    package let values: [Float]

    private static let inputsAtOnce = 128

    package init(_ reader: DigitReader, _ character: ReadCharacter) {
        let shape = reader.inputShape
        (height, width) = (shape.height, shape.width)
        let answer = character.classIndex
        let reach = max(3, 5 * min(height, width) / 28) / 2, step = max(1, min(height, width) / 28)
        // Of the upright view alone, as all that follow are.
        let before = log(max(reader.probabilities(of: [character.input])[0][answer], 1e-12))
        // Zero where a patch covers nothing.
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
