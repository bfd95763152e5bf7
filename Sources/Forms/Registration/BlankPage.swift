import Pictures

/// Tells blank paper, such as the back of a sheet, from a page that was not found.
///
/// Each cell of a picture, about 8 mm of A4, is compared with its own median: ink is darker than that by more than the
/// noise of the paper. Dust, bleeding through and uneven light are no ink; punch holes, stamps and creases are. In doubt
/// a page is not blank, since a person looks at pages that were not found.
enum BlankPage {
    /// The approximate longer side, in pixels, to which pictures are downsampled: 3 pixels are a millimetre of A4.
    private static let workingSize = 900
    /// The minimum longer side: below it, strokes are lost.
    private static let leastSize = 300
    private static let cell = 24
    /// The minimum grey level of paper, and the maximum difference between cells side by side.
    private static let leastPaper = 96, mostStep = 24
    /// The maximum noise, in grey levels: above it, pencil is not seen.
    private static let mostNoise = 5.0
    /// Ink is darker than paper by this many grey levels, and by this many deviations of the noise.
    private static let (leastContrast, leastDeviations) = (12.0, 5.0)
    /// The maximum number of dark pixels in a cell, and their maximum share of the picture.
    private static let mostInCell = 5, mostInAll = 1e-4

    static func isBlank(_ image: GreyImage) -> Bool {
        let longer = max(image.width, image.height)
        let factor = max(1, (longer + workingSize / 2) / workingSize)
        let small = factor > 1 ? image.reduced(by: factor) : image
        // Without the outermost cells, where the sheet's edge and its shadow are.
        let columns = small.width / cell - 2, rows = small.height / cell - 2
        guard longer >= leastSize, columns > 0, rows > 0 else { return false }
        let cells = (0..<rows * columns).map { levels(small, row: $0 / columns + 1, column: $0 % columns + 1) }
        let papers = cells.map { Int($0[$0.count / 2]) }
        for (index, paper) in papers.enumerated() {
            let isLevel =
                (index % columns == 0 || abs(paper - papers[index - 1]) <= mostStep)
                && (index < columns || abs(paper - papers[index - columns]) <= mostStep)
            guard paper >= leastPaper, isLevel else { return false }
        }
        // The lower quartile of normal noise is 0.6745 deviations below the median.
        let deviations = zip(cells, papers).map { Double($1 - Int($0[$0.count / 4])) / 0.6745 }.sorted()
        let noise = deviations[deviations.count / 2]
        guard noise <= mostNoise else { return false }
        let contrast = leastContrast + leastDeviations * noise
        let dark = zip(cells, papers).map { levels, paper in
            levels.prefix { Double($0) < Double(paper) - contrast }.count
        }
        let most = mostInAll * Double(cells.count * cell * cell)
        return dark.allSatisfy { $0 <= mostInCell } && Double(dark.reduce(0, +)) <= most
    }

    /// Returns the grey levels of a cell, sorted.
    private static func levels(_ image: GreyImage, row: Int, column: Int) -> [UInt8] {
        var levels: [UInt8] = []
        levels.reserveCapacity(cell * cell)
        for y in row * cell..<(row + 1) * cell {
            let start = y * image.width + column * cell
            levels += image.pixels[start..<start + cell]
        }
        return levels.sorted()
    }
}
