import Formats
import Tensors

/// The section `data.lines`: lines of text composed from pictures of single characters, and how they vary.
///
/// Lengths are shares of a character's height H. Of every quantity with one number v the draws are uniform in [−v, v].
public struct LineOptions: Hashable, Sendable {
    /// Lines of an epoch.
    public var count = 16_384
    /// Lines to validate on, of the validation split's characters.
    public var validationCount = 2_000
    /// Lines to test on, of the test half's characters.
    public var testCount = 2_000
    /// Widths that lines are padded to: the network's own and even parts of it.
    public var widths = 4
    /// Characters in a line.
    public var length = Length(1, 8)
    /// Share of the lines whose characters may touch.
    public var touching: Float = 0.6
    /// How far these overlap at most.
    public var overlap: Float = 0.2
    /// The largest gap of the other lines.
    public var gap: Float = 0.7
    /// Shear of a line: sideways by height.
    public var slant: Float = 0.3
    /// Of each character, degrees.
    public var rotation: Float = 8
    /// Bending of each character's strokes, its own pixels at the edge of its picture.
    public var distortion: Float = 1.5
    /// Sizes of characters: factors e^s.
    public var size: Float = 0.18
    /// How far a character stands above or below its line.
    public var baseline: Float = 0.08
    /// Rise of a line by its length.
    public var slope: Float = 0.03
    /// Strokes made thicker or thinner, pixels on either side.
    public var stroke: Float = 0.6
    /// Standard deviation of the largest blur, pixels.
    public var blur: Float = 0.9
    /// Standard deviation of the most noise, of the ink's level.
    public var noise: Float = 0.08
    /// Share of the lines with what the removal of boxes and rules leaves or takes.
    public var remnants: Float = 0.25

    /// How many characters, from the least to the most.
    public struct Length: Hashable, Sendable {
        /// At least 1.
        public var least: Int
        /// At most ``LineOptions/mostCharacters``.
        public var most: Int

        /// From `least` to `most`.
        public init(_ least: Int, _ most: Int) { (self.least, self.most) = (least, most) }
    }

    /// Characters that a line may have.
    public static let mostCharacters = 32

    /// As they are when nothing is said.
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
            ])
    }
}

extension Codec where Value == LineOptions.Length {
    /// `[1, 8]`.
    fileprivate static var length: Codec {
        let most = LineOptions.mostCharacters, expected = "[fewest, most], each an integer in 1…\(most)"
        return Codec<[Int]>.array(.integer(1...most), count: 2...2, expected: expected).converted(
            { pair, json, path throws(InputError) in
                guard pair[0] <= pair[1] else { throw path.error(expected, json) }
                return LineOptions.Length(pair[0], pair[1])
            }, { [$0.least, $0.most] })
    }
}
