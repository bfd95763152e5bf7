import Foundation
import Tensors

/// What changes each value by itself.
extension Corruption {
    func addNoise(_ image: inout MutableSpan<Float>, _ stream: inout RandomStream) {
        for i in stride(from: 0, to: image.count, by: 2) {
            let (first, second) = stream.normalPair()
            image[i] = min(max(image[i] + strength * Float(first), 0), 1)
            if i + 1 < image.count { image[i + 1] = min(max(image[i + 1] + strength * Float(second), 0), 1) }
        }
    }

    /// A Poisson number is how many uniform factors a product takes to fall below `e^−mean`, less one (Knuth 1969).
    func addShotNoise(_ image: inout MutableSpan<Float>, _ stream: inout RandomStream) {
        let photons = 1 / (Double(strength) * Double(strength))
        for i in 0..<image.count where image[i] > 0 {
            let limit = exp(-photons * Double(image[i]))
            var product = 1.0, count = -1.0
            repeat {
                product *= (Double(stream.nextWord()) + 1) * 0x1p-32
                count += 1
            } while product > limit
            image[i] = Float(min(count / photons, 1))
        }
    }

    /// Two draws a value, whether it is changed or not: a stronger corruption changes the same values and more.
    func addImpulses(_ image: inout MutableSpan<Float>, _ stream: inout RandomStream) {
        for i in 0..<image.count {
            let draw = stream.uniform(), white = stream.uniform() < 0.5
            if draw < strength { image[i] = white ? 1 : 0 }
        }
    }

    func lowerContrast(_ image: inout MutableSpan<Float>) {
        var sum = 0.0
        for i in 0..<image.count { sum += Double(image[i]) }
        let mean = Float(sum / Double(image.count))
        for i in 0..<image.count { image[i] = mean + (1 - strength) * (image[i] - mean) }
    }
}
