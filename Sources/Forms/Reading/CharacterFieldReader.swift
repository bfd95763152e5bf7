import Foundation
import Pictures
import Recognition
import Tensors

/// Reads character fields: each cell with the single-character network, with the line-reading network as a second
/// opinion; free writing with both networks along the line.
struct CharacterFieldReader {
    let reader: DigitReader

    /// The margin around the field, in cell heights.
    static let margin = 0.32
    /// The maximum number of values that are kept.
    private static let mostValues = 5
    /// The probability assigned to an empty field.
    private static let empty = 0.9995
    /// The probabilities, before and after checks, from which on the line-reading network is not consulted for a field
    /// in cells.
    static let (sure, checked) = (0.998, 0.998)

    /// The familiarity below which a character keeps its field from being accepted.
    static let strange = 0.005

    init(_ reader: DigitReader) { self.reader = reader }

    /// Returns the characters allowed in a field, each the name of one of the network's classes.
    /// - Throws: An `InputError` if the network does not know one of them.
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
        /// The evidence; nil if nothing was read.
        var evidence: FieldEvidence?
        /// Computes the evidence that includes the line-reading network; nil if it was consulted or is not needed.
        var second: (() -> FieldEvidence)?
    }

    /// Reads a field.
    /// - Parameter isDeferred: Whether to defer the line-reading network until the field's sum leaves doubt.
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

    /// Returns the probabilities of the allowed characters; the rest of the probability is that of other classes.
    private func row(_ probabilities: [Double], _ characters: [Character]) -> [Double] {
        characters.map { character in
            reader.classNames.firstIndex(of: String(character)).map { probabilities[$0] } ?? 0
        }
    }

    /// Returns the evidence of the single-character network, which for a character that runs along its frame averages
    /// both interpretations of the ink; and, if the result is uncertain, a closure that returns the geometric mean with
    /// the line-reading network.
    private func boxes(_ ink: FieldInk, _ decoder: FieldDecoder) -> (FieldEvidence, second: (() -> FieldEvidence)?) {
        let filled = ink.boxes.indices.filter { ink.boxes[$0] != nil }
        let glyphs = filled.compactMap { ink.glyph($0) }, others = filled.map { ink.other($0) }
        let answers = reader.answers(to: (glyphs + others.compactMap { $0 }).map { reader.preparation.bytes($0) })
        let all = answers.map(\.probabilities)
        var own = Array(all.prefix(glyphs.count)), next = glyphs.count
        // One of the two interpretations should look like a character.
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
        // Uses the best candidate of each length: its lattice covers those that differ from it in single characters.
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
    /// Whether an empty cell lies between two filled ones.
    var hasGap: Bool {
        let filled = boxes.map { $0 != nil }
        guard let first = filled.firstIndex(of: true), let last = filled.lastIndex(of: true) else { return false }
        return filled[first...last].contains(false)
    }
}
