import Foundation

/// The relative residual of an image after another, shifted, rotated, scaled, brightened and sharpened within small
/// limits, is subtracted from it.
///
/// With A and B blurred (σ = 1.2 pixels), W = B warped by a shift, a rotation and a scale about the centre, and L its
/// Laplacian, it is
///
///     min ‖A − g·W − l·L‖ / ‖A‖
///
/// over shifts up to a seventh of the side, rotations up to 9°, scales up to 12 %, gains g and |l| ≤ 0.6, by five
/// Gauss–Newton steps from the position where the centres of mass coincide.
struct Alignment {
    static let sigma: Float = 1.2
    private static let steps = 5
    private static let mostTurn: Float = 0.157, mostScale: Float = 0.12, mostSharpening: Float = 0.6

    let height: Int
    let width: Int

    /// A blurred image with its centre of mass and squared norm.
    struct Prepared {
        let pixels: [Float]
        let centre: (x: Float, y: Float)
        let square: Float
        /// The part of ``square`` expected of white noise: `N·σ²/(4π·1.2²)`, what a blur of 1.2 pixels leaves of it.
        let noise: Float

        /// Subtracts paper noise below a twentieth of the range, then blurs the image.
        init(_ image: [Float], height: Int, width: Int) {
            let clean = image.map { max(0, $0 - 12.75) }
            pixels = GreyLoops.blurred(clean, height: height, width: width, sigma: Alignment.sigma)
            centre = GreyLoops.centre(pixels, height: height, width: width)
            square = pixels.reduce(0) { $0 + $1 * $1 }
            let sigma = GreyLoops.noise(image, height: height, width: width)
            noise = Float(image.count) * sigma * sigma / (4 * .pi * Alignment.sigma * Alignment.sigma)
        }
    }

    /// The scratch memory of one thread.
    struct Scratch {
        var warped, laplacian, model: [Float]

        init(_ alignment: Alignment) {
            let zeros = [Float](repeating: 0, count: alignment.height * alignment.width)
            (warped, laplacian, model) = (zeros, zeros, zeros)
        }
    }

    /// Returns the norm of the residual relative to that of A, in [0, 1]; 0 if both images are dark, 1 if one of them
    /// is.
    func residual(_ a: Prepared, _ b: Prepared, _ scratch: inout Scratch) -> Float {
        guard a.square > 0, b.square > 0 else { return a.square == b.square ? 0 : 1 }
        var warped = scratch.warped, laplacian = scratch.laplacian, model = scratch.model
        (scratch.warped, scratch.laplacian, scratch.model) = ([], [], [])
        defer { (scratch.warped, scratch.laplacian, scratch.model) = (warped, laplacian, model) }
        let mostShift = Float(max(height, width)) / 7
        var p: Motion = (b.centre.x - a.centre.x, b.centre.y - a.centre.y, 0, 0)
        var best: Float = 1
        for step in 0...Self.steps {
            p.x = min(max(p.x, -mostShift), mostShift)
            p.y = min(max(p.y, -mostShift), mostShift)
            p.turn = min(max(p.turn, -Self.mostTurn), Self.mostTurn)
            p.scale = min(max(p.scale, -Self.mostScale), Self.mostScale)
            warp(b.pixels.span, p, &warped)
            self.laplacian(of: warped.span, &laplacian)
            let error = fit(a.pixels.span, warped.span, laplacian.span, &model)
            best = min(best, (error / a.square).squareRoot())
            if step == Self.steps { break }
            guard let move = newtonStep(a.pixels.span, model.span, damping: a.square * 1e-6 + 1) else { break }
            p = (p.x + move[0], p.y + move[1], p.turn + move[2], p.scale + move[3])
        }
        // Noise is no difference; but at most half of what is left is taken for noise.
        let noise = (a.noise + b.noise) / a.square
        return max(best * best - noise, best * best / 4).squareRoot()
    }

    private typealias Motion = (x: Float, y: Float, turn: Float, scale: Float)

    private func warp(_ image: Span<Float>, _ p: Motion, _ result: inout [Float]) {
        let k = exp(p.scale), c = cos(p.turn) * k, s = sin(p.turn) * k
        let middleX = Float(width - 1) / 2, middleY = Float(height - 1) / 2
        var target = result.mutableSpan
        for row in 0..<height {
            let v = Float(row) - middleY
            for column in 0..<width {
                let u = Float(column) - middleX
                target[row &* width &+ column] = GreyLoops.sample(
                    image, height: height, width: width, x: middleX + c * u - s * v + p.x,
                    y: middleY + s * u + c * v + p.y)
            }
        }
    }

    private func laplacian(of image: Span<Float>, _ result: inout [Float]) {
        var target = result.mutableSpan
        for row in 0..<height {
            for column in 0..<width {
                let i = row &* width &+ column
                var sum = -4 * image[i]
                if column > 0 { sum += image[i &- 1] }
                if column &+ 1 < width { sum += image[i &+ 1] }
                if row > 0 { sum += image[i &- width] }
                if row &+ 1 < height { sum += image[i &+ width] }
                target[i] = sum
            }
        }
    }

    /// Fits gain and sharpening of the warped image by least squares; returns the squared norm of the residual of A.
    private func fit(
        _ a: Span<Float>, _ warped: Span<Float>, _ laplacian: Span<Float>, _ model: inout [Float]
    ) -> Float {
        var ww: Float = 1e-3, wl: Float = 0, ll: Float = 1e-3, aw: Float = 0, al: Float = 0
        for i in 0..<a.count {
            let (w, l) = (warped[i], laplacian[i])
            ww += w * w
            wl += w * l
            ll += l * l
            aw += a[i] * w
            al += a[i] * l
        }
        ll += 0.02 * ww
        let determinant = ww * ll - wl * wl
        let free = determinant > 0 ? (al * ww - aw * wl) / determinant : 0
        let sharpening = min(max(free, -Self.mostSharpening), Self.mostSharpening)
        let gain = (aw - sharpening * wl) / ww
        var target = model.mutableSpan, error: Float = 0
        for i in 0..<a.count {
            let value = gain * warped[i] + sharpening * laplacian[i], rest = a[i] - value
            target[i] = value
            error += rest * rest
        }
        return error
    }

    /// Returns the change of shift, rotation and scale that reduces the residual most, in a linear approximation.
    private func newtonStep(_ a: Span<Float>, _ model: Span<Float>, damping: Float) -> SIMD4<Float>? {
        var rows = (SIMD4<Float>(), SIMD4<Float>(), SIMD4<Float>(), SIMD4<Float>()), g = SIMD4<Float>()
        let middleX = Float(width - 1) / 2, middleY = Float(height - 1) / 2
        for row in 1..<max(height - 1, 1) {
            let y = Float(row) - middleY
            for column in 1..<max(width - 1, 1) {
                let i = row &* width &+ column, x = Float(column) - middleX
                let dx = (model[i &+ 1] - model[i &- 1]) / 2, dy = (model[i &+ width] - model[i &- width]) / 2
                let j = SIMD4(dx, dy, x * dy - y * dx, x * dx + y * dy)
                g += j * (a[i] - model[i])
                rows.0 += j * j[0]
                rows.1 += j * j[1]
                rows.2 += j * j[2]
                rows.3 += j * j[3]
            }
        }
        rows.0[0] += damping
        rows.1[1] += damping
        rows.2[2] += 50 * damping
        rows.3[3] += 50 * damping
        return Self.solve([rows.0, rows.1, rows.2, rows.3], g)
    }

    /// Solves a symmetric 4 × 4 system by Cholesky factorisation; nil if it is not positive definite.
    private static func solve(_ h: [SIMD4<Float>], _ g: SIMD4<Float>) -> SIMD4<Float>? {
        var l = h, y = SIMD4<Float>(), x = y
        for i in 0..<4 {
            for j in 0...i {
                var sum = h[i][j]
                for k in 0..<j { sum -= l[i][k] * l[j][k] }
                if i == j {
                    guard sum > 0 else { return nil }
                    l[i][i] = sum.squareRoot()
                } else {
                    l[i][j] = sum / l[j][j]
                }
            }
        }
        for i in 0..<4 { y[i] = (g[i] - (0..<i).reduce(0) { $0 + l[i][$1] * y[$1] }) / l[i][i] }
        for i in (0..<4).reversed() { x[i] = (y[i] - ((i + 1)..<4).reduce(0) { $0 + l[$1][i] * x[$1] }) / l[i][i] }
        return x
    }
}
