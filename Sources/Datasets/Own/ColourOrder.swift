import Tensors

/// The order in which a row of a table has the colours of an image.
enum ColourOrder: Sendable {
    /// Red, green and blue of each pixel in turn, `[H, W, C]`.
    case interleaved
    /// All of red, then all of green, then all of blue, `[C, H, W]`.
    case planar

    /// How it is called in notes.
    var words: String {
        switch self {
        case .interleaved: "pixel by pixel (red, green, blue of each in turn), which is the smoother order"
        case .planar: "plane by plane (all red, all green, all blue), which is the smoother order"
        }
    }

    /// The number of images that are looked at.
    private static let most = 500

    /// Chooses the order in which neighbouring pixels of the same colour differ less, summed along rows and columns: a
    /// picture is smooth, and read in the wrong order it is not.
    init(_ pixels: [UInt8], height: Int, width: Int, channels: Int) {
        let area = height * width, images = min(pixels.count / max(area * channels, 1), Self.most)
        /// Returns the sum of differences if channel c of pixel p is at `c·channelStep + p·pixelStep`.
        func roughness(_ channelStep: Int, _ pixelStep: Int) -> Int {
            var sum = 0
            for image in 0..<images {
                for channel in 0..<channels {
                    let first = image * area * channels + channel * channelStep
                    func level(_ y: Int, _ x: Int) -> Int { Int(pixels[first + (y * width + x) * pixelStep]) }
                    for y in 0..<height {
                        for x in 0..<width {
                            if x + 1 < width { sum += abs(level(y, x + 1) - level(y, x)) }
                            if y + 1 < height { sum += abs(level(y + 1, x) - level(y, x)) }
                        }
                    }
                }
            }
            return sum
        }
        self = roughness(area, 1) < roughness(1, channels) ? .planar : .interleaved
    }
}
