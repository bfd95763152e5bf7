import Numeral
import Tensors

/// A recognised character in the memory layout of `numeral_character` in the header.
public struct CCharacter {
    /// The class index, from 0.
    public var label: Int32 = 0
    /// The probability of that class.
    public var confidence: Float = 0
    /// The index of the character's line, from 0 at the top.
    public var line: Int32 = 0
    /// The left edge, in pixels.
    public var x: Int32 = 0
    /// The top edge, in pixels.
    public var y: Int32 = 0
    /// The width, in pixels.
    public var width: Int32 = 0
    /// The height, in pixels.
    public var height: Int32 = 0

    /// Creates an empty value.
    public init() {}
}

/// Copies the pixels of `count` images; checks the total size for overflow before it accesses memory.
private func pixels<Pixel>(
    _ pointer: UnsafePointer<Pixel>?, _ count: Int64, _ model: Model, _ function: String
) throws(InputError) -> [Pixel] {
    guard let pointer else { throw InputError(function, expected: "images", received: "null") }
    let (total, overflow) = Int(count).multipliedReportingOverflow(by: model.inputShape.count)
    guard count >= 0, !overflow, total <= Int(Int32.max) else {
        throw InputError(
            "\(function): count", expected: "0…\(Int(Int32.max) / model.inputShape.count)", received: "\(count)")
    }
    return Array(UnsafeBufferPointer(start: pointer, count: total))
}

private func classify<Pixel>(
    _ model: OpaquePointer?, _ pointer: UnsafePointer<Pixel>?, _ count: Int64,
    _ probabilities: UnsafeMutablePointer<Float>?,
    _ function: String, _ answer: (Model, [Pixel]) throws(InputError) -> [Classification]
) throws(InputError) {
    guard let model = Handle.model(model), let probabilities else {
        throw InputError(function, expected: "a model and a place for the probabilities", received: "null")
    }
    let answers = try answer(model, pixels(pointer, count, model, function))
    for (image, answer) in answers.enumerated() {
        for (label, probability) in answer.probabilities.enumerated() {
            probabilities[image * answer.probabilities.count + label] = probability
        }
    }
}

/// `numeral_classify_bytes`.
@_cdecl("numeral_classify_bytes")
public func classifyBytes(
    _ model: OpaquePointer?, _ pixels: UnsafePointer<UInt8>?, _ count: Int64,
    _ probabilities: UnsafeMutablePointer<Float>?,
    _ error: UnsafeMutablePointer<CChar>?, _ errorSize: Int64
) -> Int32 {
    guarded(error, errorSize) {
        try classify(model, pixels, count, probabilities, "numeral_classify_bytes") {
            model, pixels throws(InputError) in
            count == 1 ? [try model.classify(pixels)] : try model.classify(images: pixels)
        }
    }
}

/// `numeral_classify_floats`.
@_cdecl("numeral_classify_floats")
public func classifyFloats(
    _ model: OpaquePointer?, _ pixels: UnsafePointer<Float>?, _ count: Int64,
    _ probabilities: UnsafeMutablePointer<Float>?,
    _ error: UnsafeMutablePointer<CChar>?, _ errorSize: Int64
) -> Int32 {
    guarded(error, errorSize) {
        try classify(model, pixels, count, probabilities, "numeral_classify_floats") {
            model, pixels throws(InputError) in
            count == 1 ? [try model.classify(pixels)] : try model.classify(images: pixels)
        }
    }
}

private func read(
    _ model: OpaquePointer?, _ characters: UnsafeMutablePointer<CCharacter>?, _ capacity: Int64,
    _ count: UnsafeMutablePointer<Int64>?, _ function: String, _ found: (Model) throws(InputError) -> [FoundCharacter]
) throws(InputError) {
    guard let model = Handle.model(model), let count, characters != nil || capacity == 0, capacity >= 0 else {
        throw InputError(
            function, expected: "a model, a place for the count, and one for `capacity` characters", received: "null")
    }
    let found = try found(model)
    count.pointee = Int64(found.count)
    for (index, character) in found.prefix(Int(capacity)).enumerated() {
        var result = CCharacter()
        result.label = Int32(character.classification.label)
        result.confidence = character.classification.confidence
        result.line = Int32(character.line)
        (result.x, result.y) = (Int32(character.x), Int32(character.y))
        (result.width, result.height) = (Int32(character.width), Int32(character.height))
        characters?[index] = result
    }
}

/// `numeral_read_file`.
@_cdecl("numeral_read_file")
public func readFile(
    _ model: OpaquePointer?, _ path: UnsafePointer<CChar>?, _ characters: UnsafeMutableRawPointer?, _ capacity: Int64,
    _ count: UnsafeMutablePointer<Int64>?, _ error: UnsafeMutablePointer<CChar>?, _ errorSize: Int64
) -> Int32 {
    count?.pointee = 0
    return guarded(error, errorSize) {
        guard let path else { throw InputError("numeral_read_file", expected: "a path", received: "null") }
        let place = characters?.assumingMemoryBound(to: CCharacter.self)
        try read(model, place, capacity, count, "numeral_read_file") { model throws(InputError) in
            try model.read(String(cString: path))
        }
    }
}

/// `numeral_read_bytes`.
@_cdecl("numeral_read_bytes")
public func readBytes(
    _ model: OpaquePointer?, _ bytes: UnsafePointer<UInt8>?, _ size: Int64, _ characters: UnsafeMutableRawPointer?,
    _ capacity: Int64, _ count: UnsafeMutablePointer<Int64>?, _ error: UnsafeMutablePointer<CChar>?, _ errorSize: Int64
) -> Int32 {
    count?.pointee = 0
    return guarded(error, errorSize) {
        guard let bytes, size >= 0 else {
            throw InputError(
                "numeral_read_bytes", expected: "a picture's bytes", received: bytes == nil ? "null" : "\(size) of them"
            )
        }
        let picture = Array(UnsafeBufferPointer(start: bytes, count: Int(size)))
        let place = characters?.assumingMemoryBound(to: CCharacter.self)
        try read(model, place, capacity, count, "numeral_read_bytes") { model throws(InputError) in
            try model.read(picture: picture)
        }
    }
}
