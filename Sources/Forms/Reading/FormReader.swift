import Formats
import Pictures
import Recognition
import Tensors

/// Reads the pages of a form from pictures. Not thread-safe: use a reader from one thread at a time.
package final class FormReader {
    package let template: FormTemplate
    private let registration: PageRegistration
    private let characters: CharacterFieldReader
    private let choices = ChoiceReader()
    /// The decoders by field name.
    private let decoders: [String: FieldDecoder]

    /// The approximate height of a cell in crops, in pixels.
    private static let cellHeight = 56.0
    /// The minimum fraction of a field's own frame that must be detected where the page has it.
    private static let leastFrame = 0.5
    /// The maximum number of values that are kept, and that are considered for fields linked by a sum.
    private static let (mostValues, mostJoint) = (5, 16)

    /// - Throws: An `InputError` if the network does not know the characters of a field.
    package convenience init(_ template: FormTemplate, reader: DigitReader) throws(InputError) {
        try self.init(template, reader: reader, decoders: nil)
    }

    private init(
        _ template: FormTemplate, reader: DigitReader, decoders: [String: FieldDecoder]?
    ) throws(InputError) {
        try reader.requirePrepared(for: "forms")
        self.template = template
        registration = PageRegistration(template)
        characters = CharacterFieldReader(reader)
        if let decoders { self.decoders = decoders } else { self.decoders = try Self.decoders(template, characters) }
    }

    private static func decoders(
        _ template: FormTemplate, _ reader: CharacterFieldReader
    ) throws(InputError) -> [String: FieldDecoder] {
        var decoders: [String: FieldDecoder] = [:]
        for field in template.fields {
            guard case .characters(let options) = field.kind else { continue }
            decoders[field.name] = FieldDecoder(
                options, checks: field.checks, characters: try reader.alphabet(of: options, field.name))
        }
        return decoders
    }

    /// Returns a reader of the same template for another thread.
    package func twin(_ reader: DigitReader) throws(InputError) -> FormReader {
        try FormReader(template, reader: reader, decoders: decoders)
    }

    package func read(_ image: GreyImage) -> PageReading {
        do throws(RegistrationFailure) {
            let (registered, fit) = try registration.find(in: image)
            return read(image, registered, fit)
        } catch {
            let isBlank = BlankPage.isBlank(image)
            return PageReading(
                registered: nil, failure: isBlank ? "the page is blank" : error.reason, fields: [], isBlank: isBlank)
        }
    }

    private func read(_ image: GreyImage, _ registered: RegisteredPage, _ fit: PageFit) -> PageReading {
        let page = template.pages[registered.page]
        let source = Source(image, registered.map, page, rules: fit.plan.rules)
        var readings: [FieldReading] = []
        var evidence: [String: FieldEvidence] = [:]
        var seconds: [String: () -> FieldEvidence] = [:]
        let summed = Set(template.sums.flatMap(\.names))
        for field in page.fields {
            var reading: FieldReading
            switch field.kind {
            case .choice(let choice): reading = choices.read(choice, of: field, source)
            case .characters(let options):
                guard let decoder = decoders[field.name] else {
                    preconditionFailure("FormReader: a field of characters has its decoder")
                }
                let result = characters.read(
                    options, of: field, source, decoder, isDeferred: summed.contains(field.name))
                reading = result.reading
                evidence[field.name] = result.evidence
                seconds[field.name] = result.second
            }
            if let agreement = source.agreement(of: field, fit, registered.map), agreement < Self.leastFrame {
                reading.problem = "its frame is not where the page has it"
            }
            readings.append(reading)
        }
        for sum in template.sums {
            decode(sum, evidence, &readings)
            let isSure = readings.allSatisfy { reading in
                !sum.names.contains(reading.name)
                    || reading.best?.probability ?? 0 >= CharacterFieldReader.checked
            }
            let asked = sum.names.filter { seconds[$0] != nil }
            guard !isSure, !asked.isEmpty else { continue }
            for name in asked { evidence[name] = seconds[name]?() }
            decode(sum, evidence, &readings)
        }
        for index in readings.indices where readings[index].problem == nil {
            readings[index].problem = Self.problem(readings[index], page.fields[index])
        }
        return PageReading(registered: registered, failure: nil, fields: readings)
    }

    private static func problem(_ reading: FieldReading, _ field: FormField) -> String? {
        guard let best = reading.best else { return "nothing that passes its checks" }
        return best.text.isEmpty && field.isRequired ? "empty" : nil
    }

    /// Decodes fields jointly under their sum; if one of them could not be read, the sum is not checked.
    private func decode(_ sum: SumCheck, _ evidence: [String: FieldEvidence], _ readings: inout [FieldReading]) {
        func values(_ name: String) -> [FieldValue]? {
            guard let index = readings.firstIndex(where: { $0.name == name }) else { return nil }
            if readings[index].best?.text == "" { return [FieldValue(text: "", probability: 1)] }
            guard let found = evidence[name], let decoder = decoders[name] else { return nil }
            return decoder.values(found, count: Self.mostJoint)
        }
        let parts = sum.parts.map(values)
        guard !parts.contains(where: { $0?.isEmpty ?? true }), let total = evidence[sum.total],
            let decoder = decoders[sum.total]
        else {
            // Decodes each field on its own.
            for (index, reading) in readings.enumerated() where sum.names.contains(reading.name) {
                guard let found = evidence[reading.name], let decoder = decoders[reading.name] else { continue }
                readings[index].values = decoder.values(found, count: Self.mostValues)
            }
            return
        }
        let joint = SumDecoder.decode(parts.compactMap { $0 }) { number in
            decoder.length.compactMap { length in
                let p = decoder.probability(of: number, length: length, total), text = Text.padded(number, length)
                return p > 1e-12 && decoder.passes(text) ? FieldValue(text: text, probability: p) : nil
            }
        }
        func set(_ name: String, _ values: [FieldValue]) {
            guard let index = readings.firstIndex(where: { $0.name == name }) else { return }
            readings[index].values = Array(values.prefix(Self.mostValues))
        }
        guard let joint else {
            for name in sum.names {
                guard let index = readings.firstIndex(where: { $0.name == name }) else { continue }
                readings[index].problem = readings[index].problem ?? "the sum does not come out"
            }
            return
        }
        for (name, values) in zip(sum.parts, joint.parts) { set(name, values) }
        set(sum.total, joint.total)
    }

    /// A registered picture, downsampled to about the resolution that reading needs.
    struct Source {
        let image: GreyImage
        /// The map from the page to ``image``.
        let map: Homography
        /// The printed lines of the page.
        private let rules: [RuleSegment]

        init(_ picture: GreyImage, _ map: Homography, _ page: FormPage, rules: [RuleSegment]) {
            self.rules = rules
            let heights = page.fields.map(Self.cellHeight)
            let least = heights.min() ?? page.height
            let finest = map.scale(at: Point(page.width, page.height) / 2)
            let factor = max(1, Int(least * finest / FormReader.cellHeight))
            image = factor > 1 ? picture.reduced(by: factor) : picture
            self.map =
                factor > 1
                ? Homography(scale: Point(1, 1) / Double(factor), offset: .zero).after(map) : map
        }

        static func cellHeight(_ field: FormField) -> Double {
            switch field.kind {
            case .characters(let options): options.cells.first?.height ?? options.box.height
            case .choice(let choice): choice.options[0].box.height * 1.5
            }
        }

        /// Returns the crop of `box`, padded by `margin`·`height` on every side.
        func crop(_ box: PageBox, height: Double, margin: Double) -> FieldCrop {
            FieldCrop(
                image, map, box: box.padded(margin * height, margin * height),
                scale: min(map.scale(at: box.centre), 1.5 * FormReader.cellHeight / height))
        }

        /// Returns the printed lines visible in a crop.
        func rules(in crop: FieldCrop) -> [KnownRule] { Self.known(rules, in: crop) }

        static func known(_ rules: [RuleSegment], in crop: FieldCrop) -> [KnownRule] {
            rules.compactMap { rule in
                let (a, b) = (crop.place(rule.start), crop.place(rule.end))
                let known =
                    rule.isHorizontal
                    ? KnownRule(isHorizontal: true, place: (a.y + b.y) / 2, low: min(a.x, b.x), high: max(a.x, b.x))
                    : KnownRule(isHorizontal: false, place: (a.x + b.x) / 2, low: min(a.y, b.y), high: max(a.y, b.y))
                let (extent, along) =
                    rule.isHorizontal
                    ? (crop.image.height, crop.image.width) : (crop.image.width, crop.image.height)
                let isSeen =
                    known.place > -3 && known.place < Double(extent + 3) && known.high > 0 && known.low < Double(along)
                return isSeen ? known : nil
            }
        }

        /// Returns the fraction of a field's own print that is detected where the page has it; nil if it has none.
        func agreement(of field: FormField, _ fit: PageFit, _ original: Homography) -> Double? {
            guard field.isFramed else { return nil }
            let zoom = 1 / Double(fit.observed.reduction)
            let map = Homography(scale: Point(zoom, zoom), offset: .zero).after(original)
            switch field.kind {
            case .characters(let options):
                return fit.recall(of: options.cells.isEmpty ? [options.box] : options.cells, map)
            // Check boxes are too small to distinguish their lines from strokes.
            case .choice: return nil
            }
        }
    }
}
