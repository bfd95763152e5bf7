/// A corruption of graded strength, to measure how robust a classifier is.
///
/// After D. Hendrycks, T. Dietterich, "Benchmarking neural network robustness to common corruptions and perturbations",
/// 2019, arXiv:1903.12261, and N. Mu, J. Gilmer, "MNIST-C: a robustness benchmark for computer vision", 2019,
/// arXiv:1906.02337, with strengths for small images and this project's own generator.
package enum CorruptionKind: String, CaseIterable, Sendable {
    /// Rotation by the strength either way, in degrees.
    case rotation
    /// Scaling up or down by the factor 1 + strength.
    case scale
    /// Shift by the strength in a random direction, in pixels.
    case shift
    /// Shear by the strength either way: `x += s·y`.
    case shear
    /// Gaussian noise of this standard deviation on pixels in [0, 1], clamped to that range.
    case noise
    /// Gaussian blur of this standard deviation, in pixels; zero outside.
    case blur
    /// Loss of contrast: `m + (1 − strength)·(x − m)`, m the mean of the image.
    case contrast

    /// Photon noise: `Poisson(λ·x)/λ`, λ = 1/strength²; white then has this standard deviation.
    case shotNoise
    /// Impulse noise: this share of the values becomes 0 or 1.
    case impulseNoise
    /// Frosted glass: pixels are swapped with others up to this far away, twice, with a slight blur before and after.
    case glassBlur
    /// Motion blur: the mean along a path of this many pixels, within 45° of the rows.
    case motionBlur
    /// Brightening: the strength is added to every value, clamped at 1.
    case brightness
    /// `1 − x` in a vertical stripe in the middle, of this share of the width.
    case stripe
    /// Fog: `(x + s·f)/(1 + s)`, f a cloud in [0, 1].
    case fog
    /// Drops of grey 0.75 over this share of the image.
    case spatter
    /// This many dotted lines across the image.
    case dottedLine
    /// This many zigzag lines across the image.
    case zigzag
    /// `(1 − s)·x + s·e`, e the edges found by Canny's detector.
    case cannyEdges

    /// A family of kinds that are averaged together.
    package enum Family: String, Sendable, Codable {
        /// Warps, noise, blur and contrast, at five strengths each.
        case graded
        /// The kinds that MNIST-C adds to those, at up to three strengths each. No recipe here trains on them, so they
        /// show how a network handles what it has not seen.
        case mnistC
    }

    /// The family of the kind.
    package var family: Family { number <= 7 ? .graded : .mnistC }

    /// The unit of the strength.
    package var unit: String {
        switch self {
        case .rotation: "degrees"
        case .scale: "factor − 1"
        case .shift, .blur, .glassBlur, .motionBlur: "pixels"
        case .shear: "slope"
        case .noise: "deviation"
        case .contrast: "share lost"
        case .shotNoise: "deviation"
        case .impulseNoise, .stripe, .spatter, .cannyEdges: "share"
        case .brightness: "added"
        case .fog: "weight"
        case .dottedLine, .zigzag: "lines"
        }
    }

    /// The graded strengths, ascending; each of them changes the image.
    package var strengths: [Float] {
        switch self {
        case .rotation: [10, 20, 30, 40, 50]
        case .scale: [0.1, 0.2, 0.3, 0.4, 0.5]
        case .shift: [1, 2, 3, 4, 5]
        case .shear: [0.2, 0.4, 0.6, 0.8, 1]
        case .noise: [0.1, 0.2, 0.3, 0.4, 0.5]
        case .blur: [0.5, 1, 1.5, 2, 2.5]
        case .contrast: [0.2, 0.4, 0.6, 0.8, 0.9]
        case .shotNoise: [0.2, 0.4, 0.6]
        case .impulseNoise: [0.1, 0.2, 0.3]
        case .glassBlur: [1, 2]
        case .motionBlur: [3, 6, 9]
        case .brightness: [0.2, 0.4, 0.6]
        case .stripe: [0.15, 0.3, 0.45]
        case .fog: [0.5, 1, 2]
        case .spatter: [0.1, 0.2, 0.3]
        case .dottedLine, .zigzag: [1, 2, 3]
        case .cannyEdges: [0.5, 1]
        }
    }

    /// Part of the random addresses; never renumber.
    var number: UInt32 {
        switch self {
        case .rotation: 1
        case .scale: 2
        case .shift: 3
        case .shear: 4
        case .noise: 5
        case .blur: 6
        case .contrast: 7
        case .shotNoise: 8
        case .impulseNoise: 9
        case .glassBlur: 10
        case .motionBlur: 11
        case .brightness: 12
        case .stripe: 13
        case .fog: 14
        case .spatter: 15
        case .dottedLine: 16
        case .zigzag: 17
        case .cannyEdges: 18
        }
    }
}
