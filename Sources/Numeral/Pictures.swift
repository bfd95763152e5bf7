import Evaluation
import Pictures
import Recognition
import Tensors

/// A character that was found in a picture and read.
public struct FoundCharacter: Hashable, Sendable {
    /// What it was read as. Its probabilities are calibrated where the model knows its temperature, as those that were
    /// trained with validation images do.
    public let classification: Classification
    /// The share of known images that look at least as strange to the network as this, in [0, 1]: below 0.05 it looks stranger than 95 %
    /// of them and is perhaps none of the classes. Nil where the model has no detector (it was trained without validation images), or the
    /// character touches others.
    public let familiarity: Double?
    /// The line it stands in, from 0 at the top.
    public let line: Int
    /// Its first column, in pixels of the picture.
    public let x: Int
    /// Its first row.
    public let y: Int
    /// Its columns.
    public let width: Int
    /// Its rows.
    public let height: Int
}

extension Model {
    /// The network that ships with the package: the ten digits of MNIST, trained by `config/box.json`.
    ///
    /// ```swift
    /// let digits = try Model.inTheBox().read("form.jpg")
    /// print(digits.map(\.classification.className).joined())
    /// ```
    ///
    /// - Parameter threads: that compute where there are many images, in 1…1024; nil: the cores this process may use.
    /// - Throws: an ``InputError`` where the package's resources are absent or damaged; an ``OperationError`` where the
    ///   linked BLAS multiplies wrongly on this machine.
    public static func inTheBox(threads: Int? = nil) throws -> Model {
        try Model(BoxModel.load(), lines: BoxModel.loadLines(), threads: threads)
    }

    /// Finds the characters in a picture and reads them: as `trainer predict --segment` does.
    ///
    /// The picture may be of any size, dark on light or light on dark, unevenly lit; the model in the box
    /// reads each line whole, others cut the characters apart. Calls take turns.
    /// - Parameter path: a PNG, JPEG, PGM or PPM file, told by its bytes.
    /// - Returns: the characters in reading order, line after line; none where the picture is empty.
    /// - Throws: an ``InputError`` where the file is absent, damaged or too large, or the network reads no images of one or
    ///   three channels.
    public func read(_ path: String) throws(InputError) -> [FoundCharacter] {
        try characters(in: ImageDecoder.read(path), .segment, path)
    }

    /// Finds the characters in a picture in memory and reads them.
    ///
    /// - Parameters:
    ///   - picture: the bytes of a PNG, JPEG, PGM or PPM file.
    ///   - name: what errors call it.
    /// - Returns: the characters in reading order, line after line; none where the picture is empty.
    /// - Throws: as the function that takes a path.
    public func read(picture: [UInt8], name: String = "picture") throws(InputError) -> [FoundCharacter] {
        try characters(in: ImageDecoder.decode(picture, place: name), .segment, name)
    }

    private func characters(
        in image: GreyImage, _ mode: DigitReader.Mode, _ place: String
    ) throws(InputError) -> [FoundCharacter] {
        try engine.read(image, mode, place: place).characters.map { character in
            FoundCharacter(
                classification: Classification(character.probabilities.map { Float($0) }, classNames: classNames),
                familiarity: character.familiarity, line: character.line, x: character.box.x, y: character.box.y,
                width: character.box.width,
                height: character.box.height)
        }
    }
}
