import Formats
import Tensors

/// The user's own IDX file, converted to the form of MNIST's: images as bytes `[N, H, W]`, or `[N, H, W, C]` for colours,
/// labels as bytes `[N]`.
///
/// Arrays exported from NumPy come in other forms too: labels as integers or floats, images flattened (`[N, 784]`),
/// with an axis of one channel (`[N, H, W, 1]`, `[N, 1, H, W]`), with colours first (`[N, 3, H, W]`), or as floats in
/// [0, 1]. They are read if there is only
/// one way to interpret them, else rejected with a remedy.
struct OwnIDX {
    /// The array as stored in the file.
    let file: IDX
    let array: IDX
    /// How the array was converted, if by more than another type of the same numbers.
    var note: String?

    init(images path: String) throws(InputError) {
        try self.init(images: IDX.readAny(path), place: path)
    }

    init(labels path: String) throws(InputError) {
        try self.init(labels: IDX.readAny(path), place: path)
    }

    init(images file: IDX, place: String) throws(InputError) {
        self.file = file
        let shape = file.extents
        let (height, width): (Int, Int)
        var channels = 1, isPlanar = false
        switch shape.count {
        case 3: (height, width) = (shape[1], shape[2])
        case 4 where shape[3] == 1: (height, width) = (shape[1], shape[2])
        case 4 where shape[1] == 1: (height, width) = (shape[2], shape[3])
        case 4 where shape[3] <= Self.mostChannels && shape[1] > Self.mostChannels:
            (height, width, channels) = (shape[1], shape[2], shape[3])
        case 4 where shape[1] <= Self.mostChannels && shape[3] > Self.mostChannels:
            (height, width, channels, isPlanar) = (shape[2], shape[3], shape[1], true)
            note = "channels come first and are put last"
        case 2:
            let side = Int(Double(shape[1]).squareRoot().rounded())
            guard side * side == shape[1], side > 1 else {
                throw Self.refusal(
                    place, "images [N, H, W], or flattened squares", shape,
                    "images.reshape(-1, H, W) with their own H and W")
            }
            (height, width) = (side, side)
            note = "rows of \(shape[1]) values are read as images of \(side)×\(side)"
        case 1:
            throw Self.refusal(place, "images [N, H, W]", shape, "are images and labels exchanged?")
        default:
            throw Self.refusal(
                place, "images [N, H, W, C] of at most \(Self.mostChannels) channels", shape,
                "are the axes in that order?")
        }
        for (axis, extent) in [height, width].enumerated() where extent > IDX.largestExtent {
            throw InputError(
                place, expected: "\(axis == 0 ? "rows" : "columns") of at most \(IDX.largestExtent)",
                received: "\(extent)")
        }
        let (bytes, scaling) = try Self.pixels(file, place)
        note = [note, scaling].compactMap { $0 }.joined(separator: "; ")
        if note == "" { note = nil }
        array = IDX(
            extents: IDX.imageExtents(shape[0], height, width, channels: channels),
            bytes: isPlanar ? Self.interleaved(bytes, area: height * width, channels: channels) : bytes)
    }

    /// The largest extent that is taken for an axis of channels.
    private static let mostChannels = 4

    /// Returns images `[N, C, area]` as `[N, area, C]`.
    static func interleaved(_ images: [UInt8], area: Int, channels: Int) -> [UInt8] {
        var output = [UInt8](repeating: 0, count: images.count)
        for start in stride(from: 0, to: images.count, by: area * channels) {
            for channel in 0..<channels {
                for pixel in 0..<area {
                    output[start + pixel * channels + channel] = images[start + channel * area + pixel]
                }
            }
        }
        return output
    }

    init(labels file: IDX, place: String) throws(InputError) {
        self.file = file
        let shape = file.extents
        // QMNIST's labels have eight columns, with the class in the first.
        let isExtended = file.type == .int32 && shape.count == 2 && shape[1] == 8
        guard shape.count == 1 || shape.dropFirst().allSatisfy({ $0 == 1 }) || isExtended else {
            throw Self.refusal(
                place, "labels [N]", shape,
                shape.count == 2
                    ? "of a column for each class: labels.argmax(axis=1)" : "are images and labels exchanged?")
        }
        let columns = isExtended ? 8 : 1
        if file.type == .ubyte {
            array = IDX(extents: [shape[0]], bytes: file.bytes)
            return
        }
        var labels = [UInt8](repeating: 0, count: shape[0])
        for index in labels.indices {
            let value = file.number(index * columns)
            guard let label = UInt8(exactly: value) else {
                throw InputError(
                    place, expected: "labels that are whole numbers in 0...255", received: "\(value) at index \(index)")
            }
            labels[index] = label
        }
        array = IDX(extents: [shape[0]], bytes: labels)
    }

    private static func refusal(_ place: String, _ expected: String, _ shape: [Int], _ remedy: String) -> InputError {
        InputError(place, expected: expected, received: "the shape \(IDX.describe(shape))", remedy: remedy)
    }

    /// Returns pixels as bytes: whole numbers in 0...255 unchanged, floats in [0, 1] times 255.
    private static func pixels(_ file: IDX, _ place: String) throws(InputError) -> ([UInt8], note: String?) {
        guard file.type != .ubyte else { return (file.bytes, nil) }
        let count = file.bytes.count / file.type.size
        var least = Double.infinity, most = -Double.infinity
        var areWhole = true
        for index in 0..<count {
            let value = file.number(index)
            guard value.isFinite else {
                throw InputError(place, expected: "finite pixels", received: "\(value) at index \(index)")
            }
            (least, most) = (min(least, value), max(most, value))
            areWhole = areWhole && value == value.rounded()
        }
        let isFloat = file.type == .float32 || file.type == .float64
        let isUnit = isFloat && most <= 1
        guard least >= 0, most <= 255, isUnit || areWhole else {
            throw InputError(
                place, expected: "pixels in 0...255, or floats in [0, 1]",
                received: least < 0 || most > 255
                    ? "numbers from \(least) to \(most)" : "fractions up to \(most)",
                remedy: "undo their normalisation, and save bytes: (255 * images).round().astype('u1')")
        }
        let factor: Double = isUnit ? 255 : 1
        var bytes = [UInt8](repeating: 0, count: count)
        for index in 0..<count { bytes[index] = UInt8((file.number(index) * factor).rounded()) }
        return (bytes, isUnit ? "pixels in [0, 1] are read as 255 steps" : nil)
    }
}
