import Formats
import Foundation
import Tensors

extension ImageCSV {
    /// Writes `train.csv`, `val.csv` and `test.csv`: a header `label,pixel0,…`, then a row per image.
    package static func write(_ data: ConvertedData, to folder: String) throws {
        try ConversionFiles.makeEmpty(folder)
        for (half, set) in data.parts {
            var text: [UInt8] = Array("label".utf8)
            for pixel in 0..<set.imageSize { text += Array(",pixel\(pixel)".utf8) }
            text.append(0x0A)
            let digits = (0...255).map { Array("\($0)".utf8) }
            for index in 0..<set.count {
                text += digits[Int(set.labels[index])]
                for pixel in set.bytes(of: index) {
                    text.append(0x2C)
                    text += digits[Int(pixel)]
                }
                text.append(0x0A)
            }
            try AtomicFile.write(Data(text), to: URL(fileURLWithPath: "\(folder)/\(half).csv"))
        }
    }
}
