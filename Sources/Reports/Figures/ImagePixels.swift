import Datasets
import Foundation
import Pictures
import Tensors

extension ImageSet {
    /// Returns image `index` as a PNG: in colour if it has three channels, otherwise its first channel in grey.
    package func png(_ index: Int) throws(OperationError) -> Data {
        try Self.png(
            bytes(of: index), width: width, height: height, channels: channels)
    }

    static func png(_ pixels: [UInt8], width: Int, height: Int, channels: Int) throws(OperationError) -> Data {
        if let colour = PNG.Colour(rawValue: channels) {
            return try PNG(width: width, height: height, colour: colour, pixels: pixels).encoded()
        }
        let grey = stride(from: 0, to: pixels.count, by: channels).map { pixels[$0] }
        return try PNG(width: width, height: height, colour: .grey, pixels: grey).encoded()
    }
}
