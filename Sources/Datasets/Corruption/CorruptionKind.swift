/// A way to spoil images by degrees, to see how well a classifier holds.
///
/// After D. Hendrycks, T. Dietterich, "Benchmarking neural network robustness to common corruptions and perturbations",
/// 2019, arXiv:1903.12261, and N. Mu, J. Gilmer, "MNIST-C: a robustness benchmark for computer vision", 2019,
/// arXiv:1906.02337, with strengths for small images and this project's own generator.
package enum CorruptionKind: String, CaseIterable, Sendable {
    /// Turned by the strength either way, degrees.
    case rotation
    /// Made larger or smaller by the factor 1 + strength.
    case scale
    /// Moved by the strength in some direction, pixels.
    case shift
    /// Sheared by the strength either way: `x += s·y`.
    case shear
    /// Gaussian noise of this deviation on pixels in [0, 1], cut off there.
    case noise
    /// Gaussian blur of this deviation, pixels; zero outside.
    case blur
    /// `m + (1 − strength)·(x − m)`, m the mean of the image.
    case contrast

    /// `Poisson(λ·x)/λ`, λ = 1/strength²: what few photons leave of an image; white then has this deviation.
    case shotNoise
    /// This share of the values becomes 0 or 1.
    case impulseNoise
    /// As through rough glass: pixels change places with others up to this far away, twice, a slight blur before and after.
    case glassBlur
    /// The mean along a way of this many pixels, its slope within 45° of the rows.
    case motionBlur
    /// Added to every value, cut off at 1.
    case brightness
    /// `1 − x` in an upright stripe in the middle, of this share of the width.
    case stripe
    /// `(x + s·f)/(1 + s)`, f a cloud in [0, 1].
    case fog
    /// Drops of grey 0.75 on this share of the image.
    case spatter
    /// So many dotted lines across.
    case dottedLine
    /// So many zigzag lines across.
    case zigzag
    /// `(1 − s)·x + s·e`, e the edges that Canny finds.
    case cannyEdges

    /// Kinds that are averaged together.
    package enum Family: String, Sendable, Codable {
        /// Warps, noise, blur and contrast, at five strengths.
        case graded
        /// What MNIST-C has beyond those, at up to three strengths. No recipe here trains on them, so that they tell how a
        /// network takes what it has not seen.
        case mnistC
    }

    /// Its family.
    package var family: Family { number <= 7 ? .graded : .mnistC }

    /// What the strength is measured in.
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

    /// The graded strengths, ascending; none of them changes nothing.
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
