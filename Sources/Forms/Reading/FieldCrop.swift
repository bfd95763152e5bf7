import Pictures

/// A rectified field, cropped from the picture of its page.
struct FieldCrop {
    let image: GreyImage
    /// The crop's top left corner on the page.
    let origin: Point
    /// The crop's resolution in pixels per page unit.
    let scale: Double
    /// The fraction of the crop that lies outside the picture.
    let outside: Double
    /// The fraction outside the picture above which a field is not read.
    static let mostOutside = 0.02

    /// Whether the crop shows more than blank paper.
    var hasContrast: Bool { Int(image.pixels.max() ?? 0) - Int(image.pixels.min() ?? 0) >= 60 }

    /// Maps a point from the page to the crop.
    func place(_ p: Point) -> Point { (p - origin) * scale }

    func place(_ box: PageBox) -> (low: Point, high: Point) {
        (place(Point(box.x, box.y)), place(Point(box.right, box.bottom)))
    }

    /// Creates a crop from a picture that already shows the part `box` of the page.
    init(_ image: GreyImage, around box: PageBox) {
        (self.image, origin, outside) = (image, Point(box.x, box.y), 0)
        scale = Double(image.width) / box.width
    }

    /// Creates a crop of the part `box` of the page by sampling `picture` bilinearly at the positions given by `map`.
    init(_ picture: GreyImage, _ map: Homography, box: PageBox, scale: Double) {
        let width = max(4, Int((box.width * scale).rounded())), height = max(4, Int((box.height * scale).rounded()))
        origin = Point(box.x, box.y)
        self.scale = scale
        var pixels = [UInt8](repeating: 255, count: width * height)
        let source = picture.pixels.span
        var missing = 0
        let (columns, rows) = (picture.width, picture.height)
        // The numerators and the denominator of the map are linear along a row.
        let step = SIMD3(map.rows[0].x, map.rows[1].x, map.rows[2].x) / scale
        for row in 0..<height {
            let start = origin + Point(0.5, Double(row) + 0.5) / scale
            let first = SIMD3(
                map.rows[0].x * start.x + map.rows[0].y * start.y + map.rows[0].z,
                map.rows[1].x * start.x + map.rows[1].y * start.y + map.rows[1].z, map.depth(start))
            for column in 0..<width {
                let q = first + Double(column) * step, w = 1 / q.z
                let (px, py) = (q.x * w, q.y * w)
                guard px >= 0, py >= 0, px < Double(columns), py < Double(rows) else {
                    missing += 1
                    continue
                }
                let u = Float(min(max(px - 0.5, 0), Double(columns - 1)))
                let v = Float(min(max(py - 0.5, 0), Double(rows - 1)))
                let (x, y) = (Int(u), Int(v))
                let upper = y &* columns &+ x, lower = min(y &+ 1, rows &- 1) &* columns &+ x
                let right = x &+ 1 < columns ? 1 : 0
                let (fx, fy) = (u - Float(x), v - Float(y))
                let top = Float(source[upper]) * (1 - fx) + Float(source[upper &+ right]) * fx
                let bottom = Float(source[lower]) * (1 - fx) + Float(source[lower &+ right]) * fx
                pixels[row &* width &+ column] = UInt8((top * (1 - fy) + bottom * fy) + 0.5)
            }
        }
        image = GreyImage(width: width, height: height, pixels: pixels)
        outside = Double(missing) / Double(width * height)
    }
}
