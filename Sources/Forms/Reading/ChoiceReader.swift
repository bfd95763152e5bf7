import Foundation
import Pictures

/// Reads check boxes by the fraction of a box that ink covers, without its frame.
struct ChoiceReader {
    /// The margin around a box and the ignored rim within it, in units of the box's height.
    private static let (margin, rim) = (0.45, 0.1)
    /// The fraction of ink at which the odds of a tick are even, and the factor in ink that changes the odds by e.
    private static let (even, factor) = (0.035, 1.22)
    /// The minimum distance of a tick's probability from 0 and 1.
    private static let doubt = 2e-4
    /// The ink level at or below which a pixel is paper noise.
    private static let faintest: Float = 0.3

    func read(_ choice: ChoiceField, of field: FormField, _ source: FormReader.Source) -> FieldReading {
        let height = choice.options[0].box.height
        let box = field.box
        let whole = source.crop(box, height: height, margin: Self.margin)
        var reading = FieldReading(name: field.name, values: [], unchecked: "", problem: nil, image: whole.image)
        guard whole.outside <= FieldCrop.mostOutside else {
            reading.problem = "it lies outside of the picture"
            return reading
        }
        var ticks: [Double] = []
        for option in choice.options {
            let crop = source.crop(option.box, height: option.box.height, margin: Self.margin)
            let (ink, isDisturbed) = Self.ink(crop, option.box, source)
            if isDisturbed { reading.problem = "there is ink that is not of the field" }
            let odds = pow(max(ink, 1e-4) / Self.even, 1 / log(Self.factor))
            ticks.append(min(max(odds / (1 + odds), Self.doubt), 1 - Self.doubt))
        }
        reading.values = values(ticks, choice)
        let ticked = choice.options.indices.filter { ticks[$0] > 0.5 }
        reading.unchecked = Self.text(ticked, choice)
        return reading
    }

    static func text(_ ticked: [Int], _ choice: ChoiceField) -> String {
        ticked.map { choice.options[$0].value }.joined(separator: "|")
    }

    /// Returns the most probable of the allowed combinations of ticks.
    private func values(_ ticks: [Double], _ choice: ChoiceField) -> [FieldValue] {
        func probability(_ ticked: [Int]) -> Double {
            ticks.indices.reduce(1) { $0 * (ticked.contains($1) ? ticks[$1] : 1 - ticks[$1]) }
        }
        var patterns: [[Int]] = [[]] + ticks.indices.map { [$0] }
        if choice.most > 1 {
            let likely = ticks.indices.sorted { ticks[$0] > ticks[$1] }
            for count in 2...max(2, min(choice.most, ticks.count)) { patterns.append(likely.prefix(count).sorted()) }
        }
        let values = patterns.map { FieldValue(text: Self.text($0, choice), probability: probability($0)) }
        // The empty combination is kept even for a required field: it is what the ink shows.
        return values.sorted { $0.probability > $1.probability }.prefix(5).filter { $0.probability > 1e-6 }
    }

    /// Returns the mean ink in the box, and whether foreign ink runs through it.
    private static func ink(
        _ crop: FieldCrop, _ box: PageBox, _ source: FormReader.Source
    ) -> (share: Double, isDisturbed: Bool) {
        guard var map = InkMap(crop.image, isDarkOnLight: true) else { return (0, crop.hasContrast) }
        let place = crop.place(box), height = place.high.y - place.low.y
        map.remove(source.rules(in: crop), reach: max(2, Int(height / 14)), gap: 0)
        let inset = rim * height
        let (left, right) = (Int(place.low.x + inset), Int(place.high.x - inset))
        let (top, bottom) = (Int(place.low.y + inset), Int(place.high.y - inset))
        var sum = 0.0
        for y in max(0, top)..<max(max(0, top), min(map.height, bottom)) {
            for x in max(0, left)..<max(max(0, left), min(map.width, right)) {
                let value = map.ink[y * map.width + x]
                // Ignores paper noise.
                if value > faintest { sum += Double(min(value, 1)) }
            }
        }
        let components = InkComponents(map)
        let within = components.pixels(
            from: Point(Double(left), Double(top)), to: Point(Double(right), Double(bottom)))
        let isDisturbed = within.indices.contains {
            within[$0] > Int(0.03 * height * height) && components.isAtEdge($0)
        }
        return (sum / Double(max(1, (right - left) * (bottom - top))), isDisturbed)
    }
}
