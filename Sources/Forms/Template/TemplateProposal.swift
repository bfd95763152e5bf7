import Formats
import Pictures
import Tensors

/// Proposes a template from a blank form: its frames, lines and marks.
///
/// Paper enclosed by lines is a connected region; one that fills its bounding box is the interior of a frame. Adjacent
/// frames form a row of cells, small ones are check boxes; a long line that belongs to no frame is a line to write on.
package enum TemplateProposal {
    /// The sizes, as fractions of the page's longer side, of frames to write in and of check boxes, and the height of
    /// the field above a line.
    private static let (cells, ticks, above) = (0.022...0.09, 0.008...0.026, 0.035)
    /// The minimum fraction of its bounding box that the interior of a frame fills.
    private static let solidity = 0.93
    /// The minimum length of a line to write on, as a fraction of the page's width.
    private static let leastLine = 0.1
    /// The maximum fraction of a line that frames may cover without the line belonging to them.
    private static let mostCovered = 0.5

    /// Returns a template with a page for each picture.
    /// - Throws: An `InputError` if a picture shows nothing by which a page could be found.
    package static func template(
        _ pages: [(name: String, image: GreyImage)], name: String
    ) throws(InputError) -> FormTemplate {
        var template = FormTemplate(
            name: name.filter { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) }, pages: [], sums: [],
            acceptance: AcceptanceOptions(), doubleKeying: false)
        if template.name.isEmpty { template.name = "form" }
        var number = 0
        for (name, image) in pages {
            let page = page(image, &number)
            guard page.marks.count >= 3 || !FormPagePlan(page).segments.isEmpty else {
                throw InputError(
                    name, expected: "a blank form with frames, lines or marks", received: "none that could be made out",
                    remedy: "scan it upright, or write the template by hand: docs/forms.md")
            }
            template.pages.append(page)
        }
        guard !template.fields.isEmpty else {
            throw InputError(
                pages.first?.name ?? "blank", expected: "frames or lines to write in",
                received: "none that could be made out")
        }
        return template
    }

    private static func page(_ image: GreyImage, _ number: inout Int) -> FormPage {
        var page = FormPage(width: Double(image.width), height: Double(image.height))
        let longer = Double(max(image.width, image.height))
        let observed = ObservedPage(image)
        let zoom = Double(observed.reduction)
        page.marks = observed.marks.filter { $0.side * zoom >= 0.008 * longer }.map { mark in
            let side = mark.side * zoom, corner = mark.centre * zoom - Point(side / 2, side / 2)
            return PageBox(x: corner.x.rounded(), y: corner.y.rounded(), width: side.rounded(), height: side.rounded())
        }
        let ink = InkMap(image)
        let frames = (ink.map(Self.frames) ?? []).filter { frame in
            !page.marks.contains { $0.padded(2, 2).contains(frame.centre) }
        }
        func isTick(_ frame: PageBox) -> Bool {
            ticks.contains(frame.height / longer) && (0.8...1.25).contains(frame.width / frame.height)
        }
        let written = rows(frames.filter { !isTick($0) && cells.contains($0.height / longer) })
        let boxes = rows(frames.filter(isTick), reach: 12)
        var fields = written.map(field)
        for row in boxes {
            let options = row.enumerated().map { ChoiceField.Option(value: "\($0.offset + 1)", box: $0.element) }
            fields.append(plain("choice", .choice(ChoiceField(options: options, most: 1))))
        }
        // Lines that belong to no frame.
        let sides = fields.flatMap { field -> [PageBox] in
            switch field.kind {
            case .characters(let options): options.cells.isEmpty ? [options.box] : options.cells
            case .choice(let choice): choice.options.map(\.box)
            }
        }
        for segment in observed.segments {
            let (start, end) = (segment.start * zoom, segment.end * zoom)
            guard segment.length * zoom >= leastLine * Double(image.width), !isCovered(start, end, sides),
                let ink, isPrinted(start, end, ink, reach: Int(zoom) + 1)
            else { continue }
            page.lines.append(PrintedLine(start: rounded(start), end: rounded(end)))
            let height = above * longer
            let top = min(start.y, end.y) - height
            let isInFrame = sides.contains { $0.padded(4, 4).contains((start + end) / 2) }
            guard segment.isHorizontal, top > 0, !isInFrame else { continue }
            let box = PageBox(
                x: start.x.rounded(), y: top.rounded(), width: (end.x - start.x).rounded(), height: height.rounded())
            let isFree = !sides.contains {
                $0.y < box.bottom && $0.bottom > box.y && $0.x < box.right && $0.right > box.x
            }
            if isFree, box.width > 1.5 * box.height {
                fields.append(
                    plain(
                        "line",
                        .characters(
                            CharacterField(
                                kind: .digits, box: box, cells: [], length: 1...12, characters: nil, date: nil))))
            }
        }
        // Fields are named in reading order.
        page.fields = fields.sorted { ($0.box.y, $0.box.x) < ($1.box.y, $1.box.x) }.map { field in
            number += 1
            var field = field
            field.name += "\(number)"
            return field
        }
        return page
    }

    private static func rounded(_ p: Point) -> Point { Point(p.x.rounded(), p.y.rounded()) }

    private static func plain(_ name: String, _ kind: FieldKind) -> FormField {
        FormField(name: name, kind: kind, priority: 0, isRequired: true, isFramed: true, checks: [])
    }

    private static func field(_ row: [PageBox]) -> FormField {
        let box = row.dropFirst().reduce(row[0]) { $0.union($1) }
        guard row.count > 1 || box.width < 1.8 * box.height else {
            return plain(
                "field",
                .characters(
                    CharacterField(kind: .digits, box: box, cells: [], length: 1...12, characters: nil, date: nil)))
        }
        return plain(
            "boxes",
            .characters(
                CharacterField(
                    kind: .boxes, box: box, cells: row, length: row.count...row.count, characters: nil, date: nil)))
    }

    // MARK: - Frames

    /// Returns the rectangles of paper enclosed by lines, extended to the middle of the lines.
    private static func frames(_ map: InkMap) -> [PageBox] {
        let paper = map.ink.map { 1 - min(max($0, 0), 1) }
        let components = InkComponents(ink: paper, width: map.width, height: map.height, low: 0.5, high: 0.7)
        let longer = Double(max(map.width, map.height))
        let inner = components.components.indices.compactMap { index -> PixelBox? in
            let box = components.box(index), area = components.area(index)
            guard Double(area) >= solidity * Double(box.width * box.height),
                Double(min(box.width, box.height)) >= 0.006 * longer,
                Double(box.height) <= cells.upperBound * longer
            else { return nil }
            return box
        }
        // The thickness of lines equals the gap between touching cells.
        let gaps = inner.flatMap { a in
            inner.filter { $0.y == a.y && $0.x > a.right }.map { $0.x - a.right }.min().map { [$0] } ?? []
        }
        .filter { Double($0) < 0.006 * longer }.sorted()
        let half = Double(gaps.isEmpty ? 2 : gaps[gaps.count / 2]) / 2
        return inner.map { box in
            PageBox(x: Double(box.x), y: Double(box.y), width: Double(box.width), height: Double(box.height))
                .padded(half, half)
        }
    }

    /// Groups adjacent frames of equal size into rows, with gaps of at most `reach` times their width.
    private static func rows(_ frames: [PageBox], reach: Double = 0.6) -> [[PageBox]] {
        var rows: [[PageBox]] = []
        for frame in frames.sorted(by: { ($0.x, $0.y) < ($1.x, $1.y) }) {
            let place = rows.firstIndex { row in
                let last = row[row.count - 1]
                return abs(last.y - frame.y) < 0.2 * frame.height
                    && abs(last.height - frame.height) < 0.15 * frame.height
                    && abs(last.width - frame.width) < 0.25 * frame.width && frame.x - last.right <= reach * frame.width
                    && frame.x >= last.right - 2
            }
            if let place { rows[place].append(frame) } else { rows.append([frame]) }
        }
        return rows
    }

    /// Returns whether there is ink all along a line: at low resolution, a row of letters looks like a line.
    private static func isPrinted(_ start: Point, _ end: Point, _ map: InkMap, reach: Int) -> Bool {
        let isHorizontal = abs(end.x - start.x) >= abs(end.y - start.y)
        // The ends are known only to the width of a strip.
        let count = Int((end - start).length), inset = min(20, count / 10)
        let inked = (inset..<(count - inset)).count { index in
            let p = start + (end - start) * (Double(index) / Double(count))
            return (-reach...reach).contains { offset in
                let x = Int(p.x) + (isHorizontal ? 0 : offset), y = Int(p.y) + (isHorizontal ? offset : 0)
                return x >= 0 && y >= 0 && x < map.width && y < map.height && map.ink[y * map.width + x] > 0.4
            }
        }
        return inked * 100 >= 95 * (count - 2 * inset)
    }

    private static func isCovered(_ start: Point, _ end: Point, _ boxes: [PageBox]) -> Bool {
        let count = 40
        let covered = (0...count).count { index in
            let p = start + (end - start) * (Double(index) / Double(count))
            return boxes.contains { box in
                box.padded(5, 5).contains(p) && !box.padded(-5, -5).contains(p)
            }
        }
        return Double(covered) > mostCovered * Double(count)
    }
}
