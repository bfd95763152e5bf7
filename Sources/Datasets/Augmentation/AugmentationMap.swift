import Foundation

extension Augmenter {
    /// Where an output pixel comes from: `x = originX + xx·dx + xy·dy`, `y = originY + yx·dx + yy·dy` with
    /// `(dx, dy) = q − c − t`.
    struct Map {
        var xx: Float, xy: Float, yx: Float, yy: Float
        var shiftX: Float, shiftY: Float

        /// The inverse of mirroring (left for right, first of all), shear, rotation (degrees), scale and shift; exact
        /// for quarter turns.
        init(rotation: Float, scale: Float, shear: Float, shiftX: Float, shiftY: Float, isMirrored: Bool = false) {
            let quarters = (Double(rotation) / 90).rounded()
            let rest = (Double(rotation) - 90 * quarters) * .pi / 180
            var (sine, cosine) = (sin(rest), cos(rest))
            for _ in 0..<((Int(quarters) % 4 + 4) % 4) { (sine, cosine) = (cosine, -sine) }
            let (k, s) = (Double(shear), Double(scale))
            let sign = isMirrored ? -1.0 : 1
            xx = Float(sign * (cosine + k * sine) / s)
            xy = Float(sign * (sine - k * cosine) / s)
            yx = Float(-sine / s)
            yy = Float(cosine / s)
            self.shiftX = shiftX
            self.shiftY = shiftY
        }
    }
}
