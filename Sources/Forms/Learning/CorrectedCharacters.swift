import Formats
import Pictures
import Recognition
import Tensors

/// The characters that people keyed, as inputs of the network with labels.
package struct CorrectedCharacters: Sendable {
    /// The characters of one form. Held-out data are split by form, so that no writer is on both sides.
    package struct Form: Sendable {
        package var file: String
        /// The prepared pictures.
        package var inputs: [[UInt8]]
        /// The classes of the pictures.
        package var labels: [UInt8]
    }

    package private(set) var forms: [Form] = []
    /// The number of fields that people keyed.
    package private(set) var fields = 0
    /// The number of keyed fields whose characters could not be separated.
    package private(set) var passedOver = 0
    /// The number of keyed fields that are copies of others, and are left out.
    package private(set) var copies = 0
    /// The digests of the fields' pictures.
    private var seen: Set<String> = []

    package var count: Int { forms.reduce(0) { $0 + $1.labels.count } }

    package init() {}

    /// Adds the values keyed in a job.
    package mutating func add(_ folder: FormsFolder, reader: DigitReader) throws {
        let tables = try ResultTables(folder)
        let fieldReader = CharacterFieldReader(reader)
        let places = Dictionary(
            tables.template.pages.flatMap { page in
                let rules = FormPagePlan(page).rules
                return page.fields.map { ($0.name, (rules, $0)) }
            },
            uniquingKeysWith: { first, _ in first })
        try folder.forEachPage { page in
            var form = Form(file: page.file, inputs: [], labels: [])
            for record in page.fields {
                guard let (rules, field) = places[record.name], case .characters(let options) = field.kind,
                    let value = tables.keyed(page, field, record), !value.isEmpty, let picture = record.picture
                else { continue }
                // A copy among the forms held out would be recognised, not read.
                guard seen.insert(try Digest.hex([UInt8](picture))).inserted else {
                    copies += 1
                    continue
                }
                fields += 1
                let image = try ImageDecoder.decode([UInt8](picture), place: "\(page.file), \(field.name)")
                guard let inputs = fieldReader.inputs(image, options, of: field, rules: rules, as: value) else {
                    passedOver += 1
                    continue
                }
                for (input, character) in zip(inputs, value) {
                    guard let label = reader.classNames.firstIndex(of: String(character)) else { continue }
                    form.inputs.append(input)
                    form.labels.append(UInt8(label))
                }
            }
            if !form.labels.isEmpty { forms.append(form) }
        }
    }
}

extension CharacterFieldReader {
    /// Returns the network's input for each character of a field with a known value; nil if they cannot be separated.
    func inputs(
        _ image: GreyImage, _ options: CharacterField, of field: FormField, rules: [RuleSegment], as value: String
    ) -> [[UInt8]]? {
        let height = FormReader.Source.cellHeight(field)
        let crop = FieldCrop(image, around: options.box.padded(Self.margin * height, Self.margin * height))
        let cells = (options.cells.isEmpty ? [options.box] : options.cells).map { crop.place($0) }
        let known = FormReader.Source.known(rules, in: crop)
        guard let ink = FieldInk(crop, cells: cells, rules: known, height: height * crop.scale) else { return nil }
        if options.cells.isEmpty {
            guard let line = ink.line else { return nil }
            return reader.candidates(line).first { $0.characters.count == value.count }?.characters.map(\.input)
        }
        let glyphs = ink.boxes.indices.compactMap { ink.glyph($0) }
        return glyphs.count == value.count ? glyphs.map { reader.preparation.bytes($0) } : nil
    }
}
