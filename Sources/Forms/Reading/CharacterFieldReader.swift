import Foundation
import Pictures
import Recognition
import Tensors

/// Reads fields of characters: a cell each by the network of single characters, with the network of lines as a second opinion;
/// free writing by both networks along the line.
struct CharacterFieldReader {
    let reader: DigitReader

    /// Of a cell's height, around the field.
    static let margin = 0.32
    /// Values that are kept.
    private static let mostValues = 5
    /// Of an empty field that nothing disturbs.
    private static let empty = 0.9995
    /// Probability of a field in cells, and after its checks, from which on the network of lines is not asked.
    static let (sure, checked) = (0.998, 0.998)

    /// Of characters that fewer known images than this look as strange as, the reader accepts no field.
    static let strange = 0.005

    init(_ reader: DigitReader) { self.reader = reader }

    /// The characters that may stand in a field, each the name of one of the network's classes.
    /// - Throws: an `InputError` where the network does not know one.
    func alphabet(of field: CharacterField, _ name: String) throws(InputError) -> [Character] {
        let known = reader.classNames.compactMap { $0.count == 1 ? $0.first : nil }
        let wanted = field.kind == .text ? field.characters.map(Array.init) ?? known : Array("0123456789")
        let place = "field \(name)"
        if let stranger = wanted.first(where: { !known.contains($0) }) {
            throw InputError(
                place, expected: "characters that the network reads (\(known.map(String.init).joined()))",
                received: "\(stranger)", remedy: "name a network that was trained on them: --model RUN")
        }
        guard Set(wanted).count == wanted.count, !wanted.isEmpty else {
            throw InputError(place, expected: "each character once", received: String(wanted))
        }
        return wanted
    }

    struct Result {
        var reading: FieldReading
        /// Nil where nothing was read.
        var evidence: FieldEvidence?
        /// What the network of lines adds, where it was not asked and may be.
        var second: (() -> FieldEvidence)?
    }

    /// - Parameter isDeferred: Whether the network of lines is left to be asked later, where the field's sum does not settle it.
    func read(
        _ options: CharacterField, of field: FormField, _ source: FormReader.Source, _ decoder: FieldDecoder,
        isDeferred: Bool
    ) -> Result {
        let height = FormReader.Source.cellHeight(field)
        let crop = source.crop(options.box, height: height, margin: Self.margin)
        var reading = FieldReading(name: field.name, values: [], unchecked: "", problem: nil, image: crop.image)
        guard crop.outside <= FieldCrop.mostOutside else {
            reading.problem = "it lies outside of the picture"
            return Result(reading: reading)
        }
        let cells = (options.cells.isEmpty ? [options.box] : options.cells).map { crop.place($0) }
        guard let ink = FieldInk(crop, cells: cells, rules: source.rules(in: crop), height: height * crop.scale) else {
            reading.values = [FieldValue(text: "", probability: Self.empty)]
            if crop.hasContrast { reading.problem = "its ink cannot be told from its paper" }
            return Result(reading: reading)
        }
        if ink.isDisturbed { reading.problem = "there is ink that is not of the field" }
        guard ink.boxes.contains(where: { $0 != nil }) else {
            reading.values = [FieldValue(text: "", probability: Self.empty)]
            return Result(reading: reading)
        }
        var result = Result(reading: reading)
        if options.cells.isEmpty {
            result.evidence = line(ink, decoder)
        } else {
            let (first, second) = boxes(ink, decoder)
            result.evidence = isDeferred ? first : second?() ?? first
            result.second = isDeferred ? second : nil
            if ink.hasGap { result.reading.problem = reading.problem ?? "a box between others is empty" }
        }
        guard let evidence = result.evidence else {
            result.reading.problem = result.reading.problem ?? "it is no line of characters"
            return result
        }
        if evidence.hasStranger {
            result.reading.problem = result.reading.problem ?? "a character is like none that the network knows"
        }
        result.reading.unchecked = evidence.text(decoder.characters)
        result.reading.values = decoder.values(evidence, count: Self.mostValues)
        return result
    }

    // MARK: - Evidence

    /// Of classes, of the characters that may stand there: what is left is none of them.
    private func row(_ probabilities: [Double], _ characters: [Character]) -> [Double] {
        characters.map { character in
            reader.classNames.firstIndex(of: String(character)).map { probabilities[$0] } ?? 0
        }
    }

    /// What the network of single characters says, of a character that runs along its frame the mean of both ways to see it; and
    /// where that is in doubt how to have the geometric mean with what the network of lines says.
    private func boxes(_ ink: FieldInk, _ decoder: FieldDecoder) -> (FieldEvidence, second: (() -> FieldEvidence)?) {
        let filled = ink.boxes.indices.filter { ink.boxes[$0] != nil }
        let glyphs = filled.compactMap { ink.glyph($0) }, others = filled.map { ink.other($0) }
        let answers = reader.answers(to: (glyphs + others.compactMap { $0 }).map { reader.preparation.bytes($0) })
        let all = answers.map(\.probabilities)
        var own = Array(all.prefix(glyphs.count)), next = glyphs.count
        // Seen one way or the other it should be a character.
        var familiarities = answers.prefix(glyphs.count).map { $0.familiarity ?? 1 }
        for (index, other) in others.enumerated() where other != nil {
            own[index] = zip(own[index], all[next]).map { ($0 + $1) / 2 }
            familiarities[index] = max(familiarities[index], answers[next].familiarity ?? 1)
            next += 1
        }
        let hasStranger = familiarities.contains { $0 < Self.strange }
        func evidence(_ rows: [[Double]]) -> FieldEvidence {
            FieldEvidence(
                lattices: [.init(weight: 1, rows: rows.map { row($0, decoder.characters) })], hasStranger: hasStranger)
        }
        let first = evidence(own)
        let isSure = own.reduce(1) { $0 * ($1.max() ?? 0) } >= Self.sure
        if isSure || decoder.values(first, count: 1).first?.probability ?? 0 >= Self.checked { return (first, nil) }
        return (
            first,
            {
                guard let line = ink.line,
                    let second = reader.candidates(line).first(where: { $0.characters.count == own.count })
                else { return first }
                return evidence(zip(own, second.characters).map { DigitReader.geometricMean($0, $1.probabilities) })
            }
        )
    }

    private func line(_ ink: FieldInk, _ decoder: FieldDecoder) -> FieldEvidence? {
        guard let glyph = ink.line else { return nil }
        let candidates = reader.candidates(glyph).filter { !$0.characters.isEmpty }
        guard !candidates.isEmpty else { return nil }
        // Of each length the best; a lattice holds what differs from it in single characters.
        var lattices: [FieldEvidence.Lattice] = []
        for candidate in candidates
        where !lattices.contains(where: { $0.rows.count == candidate.characters.count }) {
            let rows = candidate.characters.map { Self.scaled($0.probabilities) }
            let share = zip(rows, candidate.characters).reduce(1) { $0 * $1.0[$1.1.classIndex] }
            lattices.append(
                .init(
                    weight: min(1, candidate.probability / max(share, 1e-9)),
                    rows: rows.map { row($0, decoder.characters) }))
        }
        let total = lattices.reduce(0) { $0 + $1.weight }
        return FieldEvidence(
            lattices: lattices.map { .init(weight: $0.weight / max(total, 1), rows: $0.rows) },
            hasStranger: candidates[0].characters.contains { ($0.familiarity ?? 1) < Self.strange })
    }

    private static func scaled(_ p: [Double]) -> [Double] {
        let total = p.reduce(0, +)
        return total > 0 ? p.map { $0 / total } : p
    }
}

extension FieldInk {
    /// Whether an empty cell stands between two that are not.
    var hasGap: Bool {
        let filled = boxes.map { $0 != nil }
        guard let first = filled.firstIndex(of: true), let last = filled.lastIndex(of: true) else { return false }
        return filled[first...last].contains(false)
    }
}
