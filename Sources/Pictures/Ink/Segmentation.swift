/// The grouping of ink into the characters of a picture, line by line.
///
/// Pieces are measured relative to the character height H, the median of all pieces' heights weighted by their ink.
/// Pieces under 0.4·H are specks unless they lie within 0.2·H of a larger one. A piece is joined with another if it
/// lies above or below it (like the bar of a broken 5), if it is small and near, or if both are too low for characters
/// and their boxes overlap. The result is arranged in lines: from left to right, a character belongs to the line whose
/// last character shares at least 40 % of the smaller height with it.
package struct Segmentation {
    package struct Group {
        var members: Set<Int32>
        var box: PixelBox
        var area: Int
    }

    package let map: InkMap
    /// The groups, in no particular order.
    package private(set) var groups: [Group]
    /// The character height H, in pixels.
    package private(set) var characterHeight: Double
    /// What is too small or too flat for a character, but not for a point, a comma or a dash.
    package private(set) var marks: [PixelBox] = []
    /// What is printed but no rule, or no digit because it lies, if all characters are digits.
    package private(set) var printed: [PixelBox] = []
    /// The number of rules that cross the picture, likewise.
    private var rules = 0
    private let isCropped: Bool
    private let labels: [Int32]
    /// The maximum number of pieces; on a page with more, the smallest are dropped.
    package static let mostPieces = 1_000
    /// The minimum size of a character, relative to H.
    private static let speck = 0.4
    /// The minimum size of a mark, relative to H.
    private static let leastMark = 0.1
    /// The maximum number of pale pieces that are looked at.
    private static let mostPale = 100
    /// The minimum share of a side of the picture that a piece running along it covers.
    private static let leastAlongEdge = 0.35
    /// The share of a side from which on a piece is no character, whatever its height.
    private static let wholeEdge = 0.8

    /// - Parameter isCropped: Whether the picture is cropped to its ink, which then lies along its edges: nothing there
    ///   is a shadow or a rule.
    /// - Parameter ofDigits: Whether all characters are digits, and not perhaps a minus or a frame: then ``PrintedInk``
    ///   is dropped, and so are bars that lie if there is nothing else, so that no groups may be left.
    package init(_ map: InkMap, isCropped: Bool = false, ofDigits: Bool = false) {
        let map = isCropped ? map : RuledLines.removed(from: map)
        let components = InkComponents(map)
        self.map = map
        self.isCropped = isCropped
        labels = components.grownLabels(map.ink, floor: max(0.08, 3 * map.noise))
        groups = components.components.enumerated().map { index, component in
            Group(members: [Int32(index + 1)], box: component.box, area: component.area)
        }
        if groups.count > Self.mostPieces {
            groups = Array(groups.sorted { $0.area > $1.area }.prefix(Self.mostPieces))
        }
        characterHeight = 0
        let print = ofDigits ? PrintedInk(components, isCropped: isCropped) : nil
        if let print {
            drop { !print.repeated.isDisjoint(with: $0.members) }
            rules = groups.count
            groups.removeAll { !print.rules.isDisjoint(with: $0.members) }
            rules -= groups.count
        }
        characterHeight = Self.height(of: groups)
        if !isCropped { dropMargins() }
        characterHeight = Self.height(of: groups)
        join()
        dropSpecks()
        // Beside others a bar that lies may be a part of a digit.
        if let print, groups.allSatisfy({ print.lying.isSuperset(of: $0.members) }) { drop { _ in true } }
    }

    /// The pixel count above which pictures are first downsampled by an integer factor.
    private static let mostPixels = 1 << 22

    /// Returns `image`, downsampled by the factor if it has too many pixels.
    package static func reduced(_ image: GreyImage) -> (image: GreyImage, factor: Int) {
        var factor = 1
        while image.width / factor * (image.height / factor) > mostPixels { factor += 1 }
        return (factor > 1 ? image.reduced(by: factor) : image, factor)
    }

    /// Returns what `choose` selects from the ink of `image`, which may be cropped to its ink; large pictures are
    /// downsampled first.
    package static func glyph(in image: GreyImage, _ choose: (Segmentation) -> Glyph?) -> Glyph? {
        let image = reduced(image).image
        if let glyph = InkMap.clearest(image).flatMap({ choose(Segmentation($0)) }) { return glyph }
        for map in TwoTones(image)?.maps(of: image) ?? [] {
            if let glyph = choose(Segmentation(map, isCropped: true)) { return glyph }
        }
        return nil
    }

    package func glyph(_ group: Group) -> Glyph { Glyph(map, labels: labels, members: group.members, box: group.box) }

    /// Returns the groups of a line merged into one glyph.
    package func glyph(_ groups: [Group]) -> Glyph? {
        guard var whole = groups.first else { return nil }
        for group in groups.dropFirst() { whole = Self.merged(whole, group) }
        return glyph(whole)
    }

    private static func height(of groups: [Group]) -> Double {
        let sorted = groups.sorted { $0.box.height < $1.box.height }
        let half = sorted.reduce(0) { $0 + $1.area } / 2
        var seen = 0
        for group in sorted {
            seen += group.area
            if seen > half { return Double(group.box.height) }
        }
        return 0
    }

    private static func merged(_ a: Group, _ b: Group) -> Group {
        Group(members: a.members.union(b.members), box: a.box.union(b.box), area: a.area + b.area)
    }

    // MARK: - What is no character

    /// Drops pieces that run along the edge of the picture, such as the shadow of a scanner's lid or the table under
    /// the paper, and remaining dashes and lines, unless nothing would be left. A character that fills the picture
    /// touches its edges in places only.
    private mutating func dropMargins() {
        let alongEdges = shareOfEdges()
        func alongEdge(_ group: Group) -> Double { group.members.lazy.map { alongEdges[Int($0)] }.max() ?? 0 }
        func isLong(_ group: Group) -> Bool {
            let box = group.box
            return (10 * box.width > 7 * map.width || 10 * box.height > 7 * map.height)
                && alongEdge(group) >= Self.leastAlongEdge
        }
        // In a line that is cropped to its ink the first and the last character are as long as a side: but they are as
        // high as the others, and lie along the edge in parts only.
        let height = Self.height(of: groups.filter { !isLong($0) })
        func isMargin(_ group: Group) -> Bool {
            let isAlike = (0.7 * height...1.4 * height).contains(Double(group.box.height))
            return isLong(group) && !(isAlike && alongEdge(group) < Self.wholeEdge)
        }
        func isLine(_ group: Group) -> Bool {
            let box = group.box
            // Wider than any character and flat, unlike touching characters; or far higher than the others and thin.
            let isFlat =
                box.width > 4 * box.height && Double(box.width) > 1.2 * characterHeight
                && Double(box.height) < 0.6 * characterHeight
            let isPost =
                Double(box.height) > 1.8 * characterHeight && group.area < box.height * max(3, box.height / 14)
            return isFlat || isPost
        }
        let kept = groups.filter { !isMargin($0) && !isLine($0) }
        // Beside printed ink there need be nothing.
        if !kept.isEmpty || rules + printed.count > 0 { groups = kept }
    }

    /// Returns, for each label, the share that it covers of the side of the picture where that is largest.
    private func shareOfEdges() -> [Double] {
        let (width, height) = (map.width, map.height)
        let sides = [
            (0..<width).map { $0 }, (0..<width).map { (height - 1) * width + $0 }, (0..<height).map { $0 * width },
            (0..<height).map { $0 * width + width - 1 },
        ]
        var shares = [Double](repeating: 0, count: Int(labels.max() ?? 0) + 1)
        for side in sides {
            var counts = [Int](repeating: 0, count: shares.count)
            for index in side { counts[Int(labels[index])] += 1 }
            for label in shares.indices {
                shares[label] = max(shares[label], Double(counts[label]) / Double(side.count))
            }
        }
        return shares
    }

    private mutating func drop(_ isPrinted: (Group) -> Bool) {
        printed += groups.filter(isPrinted).map(\.box)
        groups.removeAll(where: isPrinted)
    }

    private mutating func dropSpecks() {
        let kept = groups.filter {
            Double(max($0.box.width, $0.box.height)) >= Self.speck * characterHeight
                && Double($0.box.height) >= 0.15 * characterHeight
        }
        guard !kept.isEmpty else { return }
        let left = Set(kept.map(\.box))
        marks = groups.filter { group in
            !left.contains(group.box)
                && Double(max(group.box.width, group.box.height)) >= Self.leastMark * characterHeight
        }.map(\.box)
        groups = kept
    }

    /// The number of ``marks`` and ``printed`` pieces, and of characters in paler ink, between or beside the characters of
    /// a line; if there are no lines, of all that is printed, also rules.
    package var marksInLines: Int {
        guard !groups.isEmpty else { return rules + printed.count }
        let pale = isCropped ? [] : PaleInk.boxes(in: map, beside: labels, most: Self.mostPale)
        let marks =
            marks + printed
            + pale.filter { box in
                Double(box.height) >= Self.speck * characterHeight && Double(box.height) <= 1.6 * characterHeight
                    && Double(box.width) <= 1.6 * characterHeight
                    && !groups.contains { $0.box.columnsShared(box) > 0 && $0.box.rowsShared(box) > 0 }
            }
        let boxes = lines.compactMap { line in
            line.first.map { first in line.reduce(first.box) { $0.union($1.box) } }
        }
        return marks.count { mark in
            boxes.contains { line in
                mark.centerY >= Double(line.y) && mark.centerY <= Double(line.y + line.height) + 0.2 * characterHeight
                    && Double(mark.x + mark.width) >= Double(line.x) - 1.2 * characterHeight
                    && Double(mark.x) <= Double(line.x + line.width) + 1.2 * characterHeight
            }
        }
    }

    // MARK: - What belongs together

    /// Joins pairs that belong together, the nearest first, until there are none.
    private mutating func join() {
        while true {
            var pairs: [(first: Int, second: Int, distance: Double)] = []
            for i in groups.indices {
                for j in (i + 1)..<groups.count {
                    let distance = Self.distance(groups[i].box, groups[j].box)
                    if belongTogether(groups[i], groups[j], distance) { pairs.append((i, j, distance)) }
                }
            }
            if pairs.isEmpty { return }
            // A group that has grown is measured again in the next round.
            var isTaken = [Bool](repeating: false, count: groups.count), isGone = isTaken
            for pair in pairs.sorted(by: { $0.distance < $1.distance })
            where !isTaken[pair.first] && !isTaken[pair.second] {
                groups[pair.first] = Self.merged(groups[pair.first], groups[pair.second])
                (isTaken[pair.first], isTaken[pair.second], isGone[pair.second]) = (true, true, true)
            }
            groups = groups.indices.filter { !isGone[$0] }.map { groups[$0] }
        }
    }

    private static func distance(_ a: PixelBox, _ b: PixelBox) -> Double {
        let dx = Double(max(0, -a.columnsShared(b))), dy = Double(max(0, -a.rowsShared(b)))
        return (dx * dx + dy * dy).squareRoot()
    }

    private func belongTogether(_ a: Group, _ b: Group, _ distance: Double) -> Bool {
        let (small, large) = a.area < b.area ? (a, b) : (b, a)
        let h = characterHeight
        if large.box.contains(small.box) { return true }
        let whole = a.box.union(b.box)
        guard Double(whole.height) <= 1.6 * h, distance <= 0.35 * h else { return false }
        let smallHeight = Double(small.box.height), largeHeight = Double(large.box.height)
        // One above the other.
        let columns = Double(small.box.columnsShared(large.box))
        let rows = Double(small.box.rowsShared(large.box))
        if columns >= 0.4 * Double(min(small.box.width, large.box.width)),
            rows < 0.5 * min(smallHeight, largeHeight), Double(whole.height) <= 1.35 * max(h, largeHeight)
        {
            return true
        }
        let areLow = max(smallHeight, largeHeight) < 0.8 * h
        if columns > 0, rows > 0, areLow, Double(whole.width) <= 1.3 * h { return true }
        // A fragment beside the other.
        let isFragment = smallHeight < 0.45 * h || (smallHeight < 0.55 * h && 10 * small.area < 4 * large.area)
        return isFragment && distance <= 0.2 * h && Double(whole.width) <= 1.3 * h
    }

    // MARK: - Lines

    /// The groups in reading order: lines from top to bottom, each from left to right.
    package var lines: [[Group]] {
        var lines: [[Group]] = []
        for group in groups.sorted(by: { ($0.box.x, $0.box.y) < ($1.box.x, $1.box.y) }) {
            var best: (line: Int, shared: Double)?
            for (index, line) in lines.enumerated() {
                guard let last = line.last?.box else { continue }
                let shared = Double(last.rowsShared(group.box)) / Double(min(last.height, group.box.height))
                if shared >= 0.4, shared > best?.shared ?? 0 { best = (index, shared) }
            }
            if let best { lines[best.line].append(group) } else { lines.append([group]) }
        }
        return lines.sorted { a, b in
            let middles = [a, b].map { line in line.reduce(0) { $0 + $1.box.centerY } / Double(line.count) }
            return middles[0] < middles[1]
        }
    }

    // MARK: - One character alone

    /// The character of a picture that shows a single one, the group with the most ink and the parts near it, and the
    /// number of other groups as large as characters, which were left out.
    package var single: (glyph: Glyph, others: Int)? {
        guard let main = groups.max(by: { $0.area < $1.area }) else { return nil }
        var whole = main
        var others = 0
        for group in groups where group.members != main.members {
            let height = Double(max(whole.box.height, whole.box.width))
            let isNear = Self.distance(group.box, whole.box) <= 0.3 * height
            let shared = Double(group.box.columnsShared(whole.box)) / Double(min(group.box.width, whole.box.width))
            let isSmall = 3 * group.area < main.area || Double(group.box.height) < 0.45 * height
            if isNear, isSmall || shared >= 0.4 {
                whole = Self.merged(whole, group)
            } else if !isSmall {
                others += 1
            }
        }
        return (glyph(whole), others)
    }
}
