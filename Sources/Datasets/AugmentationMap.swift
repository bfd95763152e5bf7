import Foundation

extension Augmenter {
    /// Where an output pixel comes from: `x = originX + xx·dx + xy·dy`, `y = originY + yx·dx + yy·dy` with
    /// `(dx, dy) = q − c − t`.
    struct Map {
        var xx: Float, xy: Float, yx: Float, yy: Float
        var shiftX: Float, shiftY: Float

        /// The inverse of rotation (degrees), scale, shear and shift; exact for quarter turns.
        init(rotation: Float, scale: Float, shear: Float, shiftX: Float, shiftY: Float) {
            let quarters = (Double(rotation) / 90).rounded()
            let rest = (Double(rotation) - 90 * quarters) * .pi / 180
            var (sine, cosine) = (sin(rest), cos(rest))
            for _ in 0..<((Int(quarters) % 4 + 4) % 4) { (sine, cosine) = (cosine, -sine) }
            let (k, s) = (Double(shear), Double(scale))
            xx = Float((cosine + k * sine) / s)
            xy = Float((sine - k * cosine) / s)
            yx = Float(-sine / s)
            yy = Float(cosine / s)
            self.shiftX = shiftX
            self.shiftY = shiftY
        }
    }
}
