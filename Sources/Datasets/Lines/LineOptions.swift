import Formats
import Tensors

/// The options of the section `data.lines`: lines of text composed from pictures of single characters, and how they
/// vary.
///
/// Lengths are shares of a character's height H. A quantity given by one number v is drawn uniformly from [−v, v].
public struct LineOptions: Hashable, Sendable {
    /// The number of training lines per epoch.
    public var count = 16_384
    /// The number of validation lines, made of the validation split's characters.
    public var validationCount = 2_000
    /// The number of test lines, made of the test half's characters.
    public var testCount = 2_000
    /// The number of widths that lines are padded to: the network's own and even parts of it.
    public var widths = 4
    /// The number of characters in a line.
    public var length = Length(1, 8)
    /// The share of the lines whose characters may touch.
    public var touching: Float = 0.6
    /// The largest overlap of such characters.
    public var overlap: Float = 0.2
    /// The largest gap in the other lines.
    public var gap: Float = 0.7
    /// The shear of a line: horizontal shift by height.
    public var slant: Float = 0.3
    /// The rotation of each character, in degrees.
    public var rotation: Float = 8
    /// The bending of each character's strokes, in its own pixels at the edge of its picture.
    public var distortion: Float = 1.5
    /// The variation s of the characters' sizes, which are scaled by e^s.
    public var size: Float = 0.18
    /// The distance of a character above or below its baseline.
    public var baseline: Float = 0.08
    /// The slope of a line: rise by length.
    public var slope: Float = 0.03
    /// The change of the strokes' thickness, in pixels on either side.
    public var stroke: Float = 0.6
    /// The standard deviation of the strongest blur, in pixels.
    public var blur: Float = 0.9
    /// The standard deviation of the strongest noise, relative to the ink's level.
    public var noise: Float = 0.08
    /// The share of the lines with remnants or cuts as the removal of boxes and ruled lines leaves them.
    public var remnants: Float = 0.25
    /// The share of the lines that are stored as a JPEG of quality 20 to 90 in between, as cameras and scanners do.
    public var jpeg: Float = 0

    /// The smallest and the largest number of characters.
    public struct Length: Hashable, Sendable {
        /// At least 1.
        public var least: Int
        /// At most ``LineOptions/mostCharacters``.
        public var most: Int

        /// Creates the range from `least` to `most`.
        public init(_ least: Int, _ most: Int) { (self.least, self.most) = (least, most) }
    }

    /// The largest number of characters in a line.
    public static let mostCharacters = 32

    /// Creates the default options.
    public init() {}
}

extension LineOptions {
    /// The keys of `data.lines`.
    package static var section: Section<LineOptions> {
        Section(
            initial: LineOptions(),
            fields: [
                .key("count", \.count, .integer(1...100_000_000), "Lines of an epoch."),
                .key(
                    "validationCount", \.validationCount, .integer(1...1_000_000),
                    "Lines to validate on, of the validation split's characters."),
                .key(
                    "testCount", \.testCount, .integer(1...1_000_000),
                    "Lines to test on, of the test half's characters."),
                .key(
                    "widths", \.widths, .integer(1...16),
                    "Widths that lines are padded to: the network's own and even parts of it."),
                .key("length", \.length, .length, "The fewest and the most characters of a line."),
                .key("touching", \.touching, .number(.closed(0, 1)), "Share of the lines whose characters may touch."),
                .key("overlap", \.overlap, .number(.closed(0, 0.4)), "How far these overlap at most, of a height."),
                .key("gap", \.gap, .number(.closed(0, 2)), "The largest gap of the other lines, of a height."),
                .key("slant", \.slant, .number(.closed(0, 1)), "Largest shear of a line either way."),
                .key("rotation", \.rotation, .number(.closed(0, 45)), "Largest rotation of a character, degrees."),
                .key(
                    "distortion", \.distortion, .number(.closed(0, 8)),
                    "Largest bending of a character, its own pixels at the edge of its picture."),
                .key("size", \.size, .number(.closed(0, 0.7)), "Sizes of characters: factors e^s, s up to this."),
                .key(
                    "baseline", \.baseline, .number(.closed(0, 0.5)),
                    "How far a character stands off its line at most, of a height."),
                .key("slope", \.slope, .number(.closed(0, 0.3)), "Largest rise of a line by its length."),
                .key(
                    "stroke", \.stroke, .number(.closed(0, 1)),
                    "Strokes made thicker or thinner, pixels on either side at most."),
                .key("blur", \.blur, .number(.closed(0, 2)), "The largest blur, pixels of standard deviation."),
                .key("noise", \.noise, .number(.closed(0, 0.5)), "The most noise, of the ink's level."),
                .key(
                    "remnants", \.remnants, .number(.closed(0, 1)),
                    "Share of the lines with what the removal of boxes and rules leaves or takes."),
                .key(
                    "jpeg", \.jpeg, .number(.closed(0, 1)),
                    "Share of the lines with the traces of a JPEG of quality 20 to 90."),
            ])
    }
}

extension Codec where Value == LineOptions.Length {
    /// A length as an array: `[1, 8]`.
    fileprivate static var length: Codec {
        let most = LineOptions.mostCharacters, expected = "[fewest, most], each an integer in 1…\(most)"
        return Codec<[Int]>.array(.integer(1...most), count: 2...2, expected: expected).converted(
            { pair, json, path throws(InputError) in
                guard pair[0] <= pair[1] else { throw path.error(expected, json) }
                return LineOptions.Length(pair[0], pair[1])
            }, { [$0.least, $0.most] })
    }
}
