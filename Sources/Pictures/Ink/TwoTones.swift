/// The two tones of a picture that is cropped so closely to its ink that paper no longer dominates.
///
/// Such a picture has two tones with hardly anything between them: Otsu's threshold separates them if the variance
/// between the two is at least ``leastSeparation`` of the total. If soft edges are a large part of the picture, as with
/// a narrow 1, ``softSeparation`` suffices, provided that the tones are further apart than those of any even gradient,
/// whose halves differ by half of its range and which reaches 0.75. The edge of the picture tells which of the two is
/// paper, unless strokes run along it; then both are possible, the likelier one first.
package struct TwoTones {
    /// The mean levels below and above the threshold.
    let dark: Double
    let light: Double
    /// The standard deviations of the darker and the lighter tone.
    let deviations: (dark: Double, light: Double)
    /// The share of the picture's outermost pixels that are dark.
    let darkEdge: Double

    /// The minimum share of the variance of all pixels that lies between the tones.
    private static let leastSeparation = 0.8
    private static let softSeparation = 0.7
    /// The minimum difference of the means, relative to that of the darkest and the lightest pixel.
    private static let softContrast = 0.56
    /// The minimum difference of the means, in grey levels.
    private static let leastContrast = 40.0
    /// The share of the edge in one tone that identifies it as paper: ink took at most 0.33 of the edge in all but the
    /// narrowest of 200 crops.
    private static let sureEdge = 0.65

    /// Creates the tones, or returns nil if the picture does not have two.
    package init?(_ image: GreyImage) {
        var histogram = [Double](repeating: 0, count: 256)
        for pixel in image.pixels { histogram[Int(pixel)] += 1 }
        let total = Double(image.pixels.count)
        let sum = histogram.enumerated().reduce(0) { $0 + Double($1.offset) * $1.element }
        let squares = histogram.enumerated().reduce(0) { $0 + Double($1.offset * $1.offset) * $1.element }
        let variance = squares / total - (sum / total) * (sum / total)
        var best = (between: 0.0, threshold: 0)
        var below = 0.0, belowSum = 0.0
        for level in 0..<255 {
            below += histogram[level]
            belowSum += Double(level) * histogram[level]
            guard below > 0, below < total else { continue }
            let gap = (sum - belowSum) / (total - below) - belowSum / below
            let between = below / total * (1 - below / total) * gap * gap
            if between > best.between { best = (between, level) }
        }
        guard variance > 0, best.between >= Self.softSeparation * variance else { return nil }
        func moments(_ levels: ClosedRange<Int>) -> (mean: Double, deviation: Double) {
            let count = levels.reduce(0) { $0 + histogram[$1] }
            let mean = levels.reduce(0) { $0 + Double($1) * histogram[$1] } / count
            let square = levels.reduce(0) { $0 + Double($1 * $1) * histogram[$1] } / count
            return (mean, max(square - mean * mean, 0).squareRoot())
        }
        let low = moments(0...best.threshold), high = moments((best.threshold + 1)...255)
        let gap = high.mean - low.mean
        let range = Double((histogram.lastIndex { $0 > 0 } ?? 0) - (histogram.firstIndex { $0 > 0 } ?? 0))
        guard gap >= Self.leastContrast,
            best.between >= Self.leastSeparation * variance || gap >= Self.softContrast * range
        else { return nil }
        (dark, light) = (low.mean, high.mean)
        deviations = (low.deviation, high.deviation)
        let edge = image.edge
        darkEdge = Double(edge.count { Int($0) <= best.threshold }) / Double(edge.count)
    }

    /// Whether ink may be darker than paper (true) or lighter (false), the likelier first.
    package var polarities: [Bool] {
        if darkEdge >= Self.sureEdge { return [false] }
        if darkEdge <= 1 - Self.sureEdge { return [true] }
        return darkEdge < 0.5 ? [true, false] : [false, true]
    }

    /// Returns the maps of the picture that has these tones, one for each polarity.
    package func maps(of image: GreyImage) -> [InkMap] {
        polarities.map { isDarkOnLight in
            let (paper, ink) = isDarkOnLight ? (light, dark) : (dark, light)
            let scale = 1 / (ink - paper)
            return InkMap(
                width: image.width, height: image.height,
                ink: image.pixels.map { Float((Double($0) - paper) * scale) }, isDarkOnLight: isDarkOnLight,
                noise: Float((isDarkOnLight ? deviations.light : deviations.dark) * abs(scale)))
        }
    }
}

extension GreyImage {
    /// The outermost pixels, each once.
    fileprivate var edge: [UInt8] {
        let rows = height > 1 ? [0, height - 1] : [0]
        let columns = width > 1 ? [0, width - 1] : [0]
        let along = rows.flatMap { row in pixels[(row * width)..<((row + 1) * width)] }
        let down = height > 2 ? (1..<(height - 1)).flatMap { row in columns.map { pixels[row * width + $0] } } : []
        return along + down
    }
}
