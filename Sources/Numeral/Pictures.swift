import Evaluation
import Pictures
import Recognition
import Tensors

/// A character recognised in a picture.
public struct FoundCharacter: Hashable, Sendable {
    /// The character's classification. Its probabilities are calibrated if the model has a temperature, as models
    /// trained with validation images do.
    public let classification: Classification
    /// The fraction of known images that look at least as strange to the network as this one, in [0, 1].
    ///
    /// Below 0.05 the character looks stranger than 95 % of them and may belong to none of the classes. Nil if the
    /// model has no detector (it was trained without validation images), or if the character touches others.
    public let familiarity: Double?
    /// The index of the character's line, from 0 at the top.
    public let line: Int
    /// The left edge of the character, in pixels of the picture.
    public let x: Int
    /// The top edge of the character, in pixels.
    public let y: Int
    /// The width of the character, in pixels.
    public let width: Int
    /// The height of the character, in pixels.
    public let height: Int
}

extension Model {
    /// Returns the model that ships with the package: the ten digits of MNIST, trained with `config/box.json`.
    ///
    /// ```swift
    /// let digits = try Model.inTheBox().read("form.jpg")
    /// print(digits.map(\.classification.className).joined())
    /// ```
    ///
    /// - Parameter threads: The number of threads for batches, in 1…1024; nil for the cores this process may use.
    /// - Throws: An ``InputError`` if the package's resources are missing or damaged; an ``OperationError`` if the
    ///   linked BLAS computes wrong products on this machine.
    public static func inTheBox(threads: Int? = nil) throws -> Model {
        try Model(BoxModel.load(), lines: BoxModel.loadLines(), threads: threads)
    }

    /// Reads the characters in a picture, as `trainer predict --segment` does.
    ///
    /// The picture may be of any size, dark on light or light on dark, and unevenly lit. The bundled model reads whole
    /// lines, others segment the characters. Calls are serialized.
    /// - Parameter path: A PNG, JPEG, PBM, PGM or PPM file; the format is detected from its contents.
    /// - Returns: The characters in reading order, line by line; none if the picture is empty.
    /// - Throws: An ``InputError`` if the file is missing, damaged or too large, or if the network does not take images
    ///   of one channel.
    public func read(_ path: String) throws(InputError) -> [FoundCharacter] {
        try characters(in: ImageDecoder.read(path), .segment, path)
    }

    /// Reads the characters in a picture in memory.
    ///
    /// - Parameters:
    ///   - picture: The bytes of a PNG, JPEG, PBM, PGM or PPM file.
    ///   - name: The picture's name in errors.
    /// - Returns: The characters in reading order, line by line; none if the picture is empty.
    /// - Throws: The errors of the function that takes a path.
    public func read(picture: [UInt8], name: String = "picture") throws(InputError) -> [FoundCharacter] {
        try characters(in: ImageDecoder.decode(picture, place: name), .segment, name)
    }

    private func characters(
        in image: GreyImage, _ mode: DigitReader.Mode, _ place: String
    ) throws(InputError) -> [FoundCharacter] {
        try requireOneLabel()
        return try engine.read(image, mode, place: place).characters.map { character in
            FoundCharacter(
                classification: Classification(character.probabilities.map { Float($0) }, classNames: classNames),
                familiarity: character.familiarity, line: character.line, x: character.box.x, y: character.box.y,
                width: character.box.width,
                height: character.box.height)
        }
    }
}
