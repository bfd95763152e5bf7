/// A picture as its file holds it: interleaved 8-bit samples, before colours or transparency are resolved.
struct DecodedPicture {
    var width: Int
    var height: Int
    /// 1 (grey), 2 (grey, alpha), 3 (red, green, blue) or 4 (the same and alpha).
    var channels: Int
    /// `[height, width, channels]` in row-major order.
    var samples: [UInt8]
    /// EXIF's orientation, 1…8.
    var orientation = 1

    /// The brightness, in the orientation for display.
    var grey: GreyImage {
        GreyImage(width: width, height: height, samples: samples, channels: channels).oriented(orientation)
    }

    /// Red, green and blue, in the orientation for display, transparency composited over white.
    var colours: ColourImage {
        let hasAlpha = channels == 2 || channels == 4
        return ColourImage(
            planes: (0..<3).map { colour in
                let channel = channels < 3 ? 0 : colour
                let levels = (0..<width * height).map { pixel in
                    let level = Int(samples[pixel * channels + channel])
                    guard hasAlpha else { return UInt8(level) }
                    let alpha = Int(samples[pixel * channels + channels - 1])
                    return UInt8((level * alpha + 255 * (255 - alpha) + 127) / 255)
                }
                return GreyImage(width: width, height: height, pixels: levels).oriented(orientation)
            })
    }
}

/// A picture in red, green and blue, or in grey: a plane of each.
package struct ColourImage: Hashable, Sendable {
    /// One or three planes of equal size.
    package let planes: [GreyImage]

    package init(planes: [GreyImage]) {
        precondition(planes.count == 1 || planes.count == 3, "ColourImage: one or three planes")
        precondition(
            planes.allSatisfy { ($0.width, $0.height) == (planes[0].width, planes[0].height) },
            "ColourImage: planes of one size")
        self.planes = planes
    }

    package var width: Int { planes[0].width }
    package var height: Int { planes[0].height }
    package var channels: Int { planes.count }

    /// `[height, width, channels]` in row-major order.
    package var pixels: [UInt8] {
        guard planes.count > 1 else { return planes[0].pixels }
        var result = [UInt8](repeating: 0, count: width * height * planes.count)
        for (channel, plane) in planes.enumerated() {
            for (pixel, level) in plane.pixels.enumerated() { result[pixel * planes.count + channel] = level }
        }
        return result
    }

    /// The picture with light and dark swapped.
    package var inverted: ColourImage { ColourImage(planes: planes.map(\.inverted)) }

    /// Returns the picture resampled to `width`×`height` by area means.
    package func resized(width: Int, height: Int) -> ColourImage {
        (self.width, self.height) == (width, height)
            ? self : ColourImage(planes: planes.map { $0.resized(width: width, height: height) })
    }
}
