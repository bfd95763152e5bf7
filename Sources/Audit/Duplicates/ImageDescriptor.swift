import Datasets
import Foundation
import Tensors

/// Grey images of one size, as the audit examines them: the mean of the channels of each pixel.
struct GreyPixels {
    let height: Int
    let width: Int
    /// The pixels, `[N, H, W]`, in [0, 255].
    let values: [Float]

    init(_ images: ImageSet) {
        (height, width) = (images.height, images.width)
        let channels = images.channels, bytes = images.images
        values = (0..<images.count * height * width).map { pixel in
            var sum: Float = 0
            for c in 0..<channels { sum += Float(bytes[pixel * channels + c]) }
            return sum / Float(channels)
        }
    }

    var size: Int { height * width }
    var count: Int { values.count / max(size, 1) }

    /// Returns a copy of image `index`.
    func image(_ index: Int) -> [Float] { Array(values[(index * size)..<((index + 1) * size)]) }
}

/// Loops over one grey image `[H, W]`; pixels outside it are dark.
enum GreyLoops {
    /// Returns the image blurred by a Gaussian of width σ, truncated at 3σ.
    static func blurred(_ image: [Float], height: Int, width: Int, sigma: Float) -> [Float] {
        let reach = Int((3 * sigma).rounded(.up))
        var weights = (-reach...reach).map { exp(-Float($0 * $0) / (2 * sigma * sigma)) }
        let sum = weights.reduce(0, +)
        for i in weights.indices { weights[i] /= sum }
        var rows = [Float](repeating: 0, count: image.count), result = rows
        for y in 0..<height {
            for x in 0..<width {
                var value: Float = 0
                for k in max(-reach, -x)...min(reach, width - 1 - x) {
                    value += weights[k + reach] * image[y * width + x + k]
                }
                rows[y * width + x] = value
            }
        }
        for y in 0..<height {
            for k in max(-reach, -y)...min(reach, height - 1 - y) {
                let weight = weights[k + reach]
                for x in 0..<width { result[y * width + x] += weight * rows[(y + k) * width + x] }
            }
        }
        return result
    }

    /// Returns the centre of mass (x, y); the image's centre if it is dark.
    static func centre(_ image: [Float], height: Int, width: Int) -> (x: Float, y: Float) {
        var sum: Float = 0, sumX: Float = 0, sumY: Float = 0
        for y in 0..<height {
            for x in 0..<width {
                let value = image[y * width + x]
                sum += value
                sumX += value * Float(x)
                sumY += value * Float(y)
            }
        }
        guard sum > 0 else { return (Float(width - 1) / 2, Float(height - 1) / 2) }
        return (sumX / sum, sumY / sum)
    }

    /// Estimates the standard deviation of white noise from the median of |N|, where N is the image filtered by
    /// (1 −2 1)ᵀ·(1 −2 1), whose response to noise has the standard deviation 6σ. 0 for an image that is mostly flat.
    ///
    /// J. Immerkær, "Fast noise variance estimation", Computer Vision and Image Understanding 64, 1996; with the median,
    /// which ignores edges, instead of the mean.
    static func noise(_ image: [Float], height: Int, width: Int) -> Float {
        guard height >= 3, width >= 3 else { return 0 }
        var responses: [Float] = []
        responses.reserveCapacity((height - 2) * (width - 2))
        for y in 1..<(height - 1) {
            for x in 1..<(width - 1) {
                func line(_ row: Int) -> Float {
                    let i = row * width + x
                    return image[i - 1] - 2 * image[i] + image[i + 1]
                }
                responses.append(abs(line(y - 1) - 2 * line(y) + line(y + 1)))
            }
        }
        responses.sort()
        return responses[responses.count / 2] / (6 * 0.6745)
    }

    /// Returns the bilinearly interpolated value between pixels.
    static func sample(_ image: Span<Float>, height: Int, width: Int, x: Float, y: Float) -> Float {
        let left = x.rounded(.down), top = y.rounded(.down)
        guard left >= -1, top >= -1, left < Float(width), top < Float(height) else { return 0 }
        let (i, j) = (Int(left), Int(top)), (u, v) = (x - left, y - top)
        if i >= 0, j >= 0, i &+ 1 < width, j &+ 1 < height {
            let place = j &* width &+ i
            return (1 - v) * ((1 - u) * image[place] + u * image[place &+ 1])
                + v * ((1 - u) * image[place &+ width] + u * image[place &+ width &+ 1])
        }
        func at(_ i: Int, _ j: Int) -> Float {
            i >= 0 && j >= 0 && i < width && j < height ? image[j &* width &+ i] : 0
        }
        return (1 - v) * ((1 - u) * at(i, j) + u * at(i + 1, j)) + v * ((1 - u) * at(i, j + 1) + u * at(i + 1, j + 1))
    }
}

/// Coarse descriptors of images: blurred, centred on the centre of mass and resampled to 14×14, so that small shifts,
/// rotations and noise change little.
enum ImageDescriptor {
    static let side = 14

    /// Returns the descriptors `[N, 196]`: the mean over images is subtracted, and each is of length 1 (0 if an image
    /// equals the mean).
    static func descriptors(_ pixels: GreyPixels) -> AlignedBuffer<Float> {
        let (height, width) = (pixels.height, pixels.width), d = side * side
        let result = AlignedBuffer<Float>(count: pixels.count * d)
        let step = Float(max(height, width)) / Float(side), middle = Float(side) / 2
        for index in 0..<pixels.count {
            let image = GreyLoops.blurred(pixels.image(index), height: height, width: width, sigma: step / 2)
            let centre = GreyLoops.centre(image, height: height, width: width)
            let source = image.span
            for row in 0..<side {
                for column in 0..<side {
                    result[index * d + row * side + column] = GreyLoops.sample(
                        source, height: height, width: width, x: centre.x + (Float(column) + 0.5 - middle) * step,
                        y: centre.y + (Float(row) + 0.5 - middle) * step)
                }
            }
        }
        normalize(result, d: d)
        return result
    }

    /// Subtracts the mean row and scales every row to length 1.
    static func normalize(_ rows: AlignedBuffer<Float>, d: Int) {
        let n = rows.count / max(d, 1)
        var mean = [Double](repeating: 0, count: d)
        for i in 0..<n { for j in 0..<d { mean[j] += Double(rows[i * d + j]) } }
        for j in 0..<d { mean[j] /= Double(max(n, 1)) }
        for i in 0..<n {
            var square = 0.0
            for j in 0..<d {
                rows[i * d + j] -= Float(mean[j])
                square += Double(rows[i * d + j]) * Double(rows[i * d + j])
            }
            guard square > 0 else { continue }
            let scale = Float(1 / square.squareRoot())
            for j in 0..<d { rows[i * d + j] *= scale }
        }
    }
}
