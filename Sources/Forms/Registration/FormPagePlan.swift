/// The features of a template's page that are used for registration: its printed straight lines, including frames, and
/// its marks.
struct FormPagePlan: Sendable {
    /// The printed lines that are long enough for registration.
    let segments: [RuleSegment]
    /// All printed lines, including short ones, each once.
    let rules: [RuleSegment]
    let marks: [PageBox]
    let size: Point

    /// The length, as a fraction of the page's longer side, below which lines cannot be distinguished from strokes.
    private static let leastSide = 0.026

    init(_ page: FormPage) {
        size = Point(page.width, page.height)
        marks = page.marks
        let longer = max(page.width, page.height)
        rules = Self.rules(of: page)
        segments = rules.filter { $0.length >= Self.leastSide * longer }
    }

    private static func rules(of page: FormPage) -> [RuleSegment] {
        var found: [RuleSegment] = []
        for field in page.fields where field.isFramed {
            switch field.kind {
            case .characters(let options): for cell in options.cells { found += sides(of: cell) }
            case .choice(let choice): for option in choice.options { found += sides(of: option.box) }
            }
        }
        for line in page.lines {
            let extent = line.end - line.start
            found.append(RuleSegment(line.start, line.end, isHorizontal: abs(extent.x) >= abs(extent.y)))
        }
        return joined(found, gap: 0.012 * max(page.width, page.height))
    }

    private static func sides(of box: PageBox) -> [RuleSegment] {
        let c = box.corners
        return [
            RuleSegment(c[0], c[1], isHorizontal: true), RuleSegment(c[3], c[2], isHorizontal: true),
            RuleSegment(c[0], c[3], isHorizontal: false), RuleSegment(c[1], c[2], isHorizontal: false),
        ]
    }

    /// Merges collinear segments that touch or nearly touch.
    private static func joined(_ segments: [RuleSegment], gap: Double) -> [RuleSegment] {
        func key(_ s: RuleSegment) -> (Double, Double, Double) {
            let (a, b) = s.isHorizontal ? (s.start, s.end) : (Point(s.start.y, s.start.x), Point(s.end.y, s.end.x))
            return ((a.y + b.y) / 2, min(a.x, b.x), max(a.x, b.x))
        }
        var result: [RuleSegment] = []
        for isHorizontal in [true, false] {
            let sorted = segments.filter { $0.isHorizontal == isHorizontal }.sorted { key($0) < key($1) }
            var current: (across: Double, low: Double, high: Double)?
            func close() {
                guard let line = current else { return }
                let (a, b) = (Point(line.low, line.across), Point(line.high, line.across))
                result.append(
                    isHorizontal
                        ? RuleSegment(a, b, isHorizontal: true)
                        : RuleSegment(Point(a.y, a.x), Point(b.y, b.x), isHorizontal: false))
            }
            for segment in sorted {
                let (across, low, high) = key(segment)
                if let line = current, abs(line.across - across) < 0.1 * gap, low <= line.high + gap {
                    current = (line.across, line.low, max(line.high, high))
                } else {
                    close()
                    current = (across, low, high)
                }
            }
            close()
        }
        return result
    }
}
