import Foundation
import Tensors

/// Corruptions of each value by itself.
extension Corruption {
    func addNoise(_ image: inout MutableSpan<Float>, _ stream: inout RandomStream) {
        Noise.add(to: &image, deviation: strength, &stream)
        for i in 0..<image.count { image[i] = min(max(image[i], 0), 1) }
    }

    /// Draws Poisson numbers: how many uniform factors a product takes to fall below `e^−mean`, less one (Knuth 1969).
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

    /// Makes two draws per value whether or not it is changed, so that a stronger corruption changes the same values
    /// and more.
    func addImpulses(_ image: inout MutableSpan<Float>, _ stream: inout RandomStream) {
        for i in 0..<image.count {
            let draw = stream.uniform(), white = stream.uniform() < 0.5
            if draw < strength { image[i] = white ? 1 : 0 }
        }
    }
}
