import Kernels
import LinearAlgebra
import Tensors

/// The passes of a tape over one image, written once for `Float` and `Double`.
extension TapeMemory {
    /// Computes every value that the output depends on.
    func forward() {
        for index in program.steps.indices where program.isUsed[index] { compute(index) }
    }

    /// Propagates the gradient of the output to the inputs, and adds to the gradients of the parameters. Values that
    /// derivatives read are recomputed.
    func backward() {
        for index in program.steps.indices where program.isRecomputed[index] { compute(index) }
        for index in program.steps.indices.reversed() where program.hasGradient[index] {
            if let source = program.sharedGradients[index] { gradients[index] = gradients[source] }
            if program.startsAtZero[index] {
                gradients[index]?.update(repeating: 0, count: program.shapes[index].count)
            }
        }
        for index in program.steps.indices.reversed() where program.hasGradient[index] { sendBack(index) }
    }

    private func compute(_ index: Int) {
        guard let y = values[index] else { return }
        let count = program.shapes[index].count
        switch program.steps[index] {
        case .input, .parameter, .constant: break
        case .function(let function, let a):
            if let x = values[a] { Self.apply(function, x, count, y) }
        case .binary(let operation, let a, let b):
            guard let x = values[a], let z = values[b], let walk = program.walks[index] else { return }
            switch operation {
            case .add: walk.run { y[$0] = x[$1] + z[$2] }
            case .subtract: walk.run { y[$0] = x[$1] - z[$2] }
            case .multiply: walk.run { y[$0] = x[$1] * z[$2] }
            case .divide: walk.run { y[$0] = x[$1] / z[$2] }
            case .maximum: walk.run { y[$0] = x[$1] >= z[$2] ? x[$1] : z[$2] }
            case .minimum: walk.run { y[$0] = x[$1] <= z[$2] ? x[$1] : z[$2] }
            }
        case .sum(let a):
            guard let x = values[a] else { return }
            y.update(repeating: 0, count: count)
            program.walks[index]?.run { i, k, _ in y[k] += x[i] }
        case .largest(let a):
            guard let x = values[a] else { return }
            y.update(repeating: -.infinity, count: count)
            program.walks[index]?.run { i, k, _ in if !(x[i] <= y[k]) { y[k] = x[i] } }
        case .product(let a, let b):
            guard let x = values[a], let w = values[b] else { return }
            let rows = program.shapes[a].rows, inner = program.shapes[a].channels
            TapeProducts.multiply(x, w, y, m: rows, n: program.shapes[index].channels, k: inner)
        case .convolution(let a, let kernel, let g, let isDepthwise):
            guard let x = values[a], let w = values[kernel], let extra = extra(index) else { return }
            if isDepthwise {
                TapeProducts.depthwise(g, x: x, w: w, y: y)
            } else {
                TapeProducts.im2col(g, x: x, columns: extra)
                TapeProducts.multiply(extra, w, y, m: g.outRows, n: g.filters, k: g.depth)
            }
        case .reshape(let a):
            if let x = values[a] { y.update(from: x, count: count) }
        case .slice(let a, let first):
            guard let x = values[a] else { return }
            let channels = program.shapes[index].channels, all = program.shapes[a].channels
            for row in 0..<count / channels {
                (y + row * channels).update(from: x + row * all + first, count: channels)
            }
        case .joined(let parts):
            let all = program.shapes[index].channels
            var first = 0
            for part in parts {
                let channels = program.shapes[part].channels
                if let x = values[part] {
                    for row in 0..<count / all {
                        (y + row * all + first).update(from: x + row * channels, count: channels)
                    }
                }
                first += channels
            }
        }
    }

    private func extra(_ index: Int) -> UnsafeMutablePointer<Number>? {
        program.extraOffsets[index].map { scratch + $0 }
    }

    private func sendBack(_ index: Int) {
        guard let dy = gradients[index] else { return }
        let count = program.shapes[index].count
        switch program.steps[index] {
        case .input, .parameter, .constant: break
        case .function(let function, let a):
            if let dx = gradients[a], dx != dy {
                Self.applyDerivative(function, x: values[a], y: values[index], dy: dy, count, dx)
            }
        case .binary(let operation, let a, let b): sendBack(operation, a, b, of: index, dy)
        case .sum(let a):
            guard let dx = gradients[a] else { return }
            program.walks[index]?.run { i, k, _ in dx[i] += dy[k] }
        case .largest(let a):
            guard let dx = gradients[a], let x = values[a], let y = values[index] else { return }
            // The whole gradient goes to the first of equal elements.
            program.walks[index]?.run { i, k, _ in
                if x[i] == y[k] {
                    dx[i] += dy[k]
                    dy[k] = 0
                }
            }
        case .product(let a, let b):
            let m = program.shapes[a].rows, k = program.shapes[a].channels, n = program.shapes[index].channels
            if let dx = gradients[a], let w = values[b] { TapeProducts.addInputGradient(dy, w, dx, m: m, n: n, k: k) }
            if let dw = gradients[b], let x = values[a] { TapeProducts.addWeightGradient(x, dy, dw, m: m, n: n, k: k) }
        case .convolution(let a, let kernel, let g, let isDepthwise):
            sendBack(
                g, isDepthwise: isDepthwise, x: a, writes: program.firstReaders[a] == index, kernel: kernel, dy,
                extra(index))
        case .reshape(let a):
            guard let dx = gradients[a], dx != dy else { return }
            for i in 0..<count { dx[i] += dy[i] }
        case .slice(let a, let first):
            guard let dx = gradients[a] else { return }
            let channels = program.shapes[index].channels, all = program.shapes[a].channels
            for row in 0..<count / channels {
                for c in 0..<channels { dx[row * all + first + c] += dy[row * channels + c] }
            }
        case .joined(let parts):
            let all = program.shapes[index].channels
            var first = 0
            for part in parts {
                let channels = program.shapes[part].channels
                if let dx = gradients[part] {
                    for row in 0..<count / all {
                        for c in 0..<channels { dx[row * channels + c] += dy[row * all + first + c] }
                    }
                }
                first += channels
            }
        }
    }

    private func sendBack(
        _ operation: TapeBinary, _ a: Int, _ b: Int, of index: Int, _ dy: UnsafeMutablePointer<Number>
    ) {
        guard let walk = program.walks[index] else { return }
        if let da = gradients[a], da != dy {
            switch operation {
            case .add, .subtract: walk.run { i, k, _ in da[k] += dy[i] }
            case .multiply: if let z = values[b] { walk.run { da[$1] += dy[$0] * z[$2] } }
            case .divide: if let z = values[b] { walk.run { da[$1] += dy[$0] / z[$2] } }
            case .maximum:
                if let x = values[a], let z = values[b] { walk.run { if x[$1] >= z[$2] { da[$1] += dy[$0] } } }
            case .minimum:
                if let x = values[a], let z = values[b] { walk.run { if x[$1] <= z[$2] { da[$1] += dy[$0] } } }
            }
        }
        if let db = gradients[b], db != dy {
            switch operation {
            case .add: walk.run { i, _, k in db[k] += dy[i] }
            case .subtract: walk.run { i, _, k in db[k] -= dy[i] }
            case .multiply: if let x = values[a] { walk.run { db[$2] += dy[$0] * x[$1] } }
            case .divide: if let z = values[b], let y = values[index] { walk.run { db[$2] -= dy[$0] * y[$0] / z[$2] } }
            case .maximum:
                if let x = values[a], let z = values[b] { walk.run { if x[$1] < z[$2] { db[$2] += dy[$0] } } }
            case .minimum:
                if let x = values[a], let z = values[b] { walk.run { if x[$1] > z[$2] { db[$2] += dy[$0] } } }
            }
        }
    }

    private func sendBack(
        _ g: ConvolutionGeometry, isDepthwise: Bool, x: Int, writes: Bool, kernel: Int,
        _ dy: UnsafeMutablePointer<Number>,
        _ extra: UnsafeMutablePointer<Number>?
    ) {
        guard let extra else { return }
        if let dw = gradients[kernel], let image = values[x] {
            if isDepthwise {
                TapeProducts.addDepthwiseWeightGradient(g, x: image, dy: dy, dw: dw)
            } else {
                TapeProducts.im2col(g, x: image, columns: extra)
                TapeProducts.addWeightGradient(extra, dy, dw, m: g.outRows, n: g.filters, k: g.depth)
            }
        }
        if let dx = gradients[x], let w = values[kernel] {
            if isDepthwise, writes {
                TapeProducts.depthwiseInputGradient(g, dy: dy, w: w, dx: dx)
            } else if isDepthwise {
                TapeProducts.depthwiseInputGradient(g, dy: dy, w: w, dx: extra)
                for i in 0..<g.inputCount { dx[i] += extra[i] }
            } else {
                extra.update(repeating: 0, count: g.outRows * g.depth)
                TapeProducts.addInputGradient(dy, w, extra, m: g.outRows, n: g.filters, k: g.depth)
                TapeProducts.col2im(g, columns: extra, dx: dx)
            }
        }
    }

    private static func apply(
        _ function: TapeFunction, _ x: UnsafeMutablePointer<Number>, _ count: Int, _ y: UnsafeMutablePointer<Number>
    ) {
        @inline(__always) func each(_ f: (Number) -> Number) { for i in 0..<count { y[i] = f(x[i]) } }
        switch function {
        case .identity: each { $0 }
        case .negative: each { -$0 }
        case .reciprocal: each { 1 / $0 }
        case .exp: each { Number.exp($0) }
        case .log: each { Number.log($0) }
        case .squareRoot: each { $0.squareRoot() }
        case .tanh: each { Number.tanh($0) }
        case .sigmoid: each { Number.sigmoid($0) }
        case .erf: each { Number.erf($0) }
        case .absolute: each { abs($0) }
        case .power(let p):
            let p = Number(p)
            each { Number.pow($0, p) }
        case .clamped(let low, let high):
            let low = Number(low), high = Number(high)
            // NaN fails both comparisons and is passed through.
            each { $0 < low ? low : $0 > high ? high : $0 }
        }
    }

    /// `dx += dy·f′`.
    private static func applyDerivative(
        _ function: TapeFunction, x: UnsafeMutablePointer<Number>?, y: UnsafeMutablePointer<Number>?,
        dy: UnsafeMutablePointer<Number>, _ count: Int, _ dx: UnsafeMutablePointer<Number>
    ) {
        @inline(__always) func each(_ source: UnsafeMutablePointer<Number>?, _ f: (Number) -> Number) {
            guard let source else { return }
            for i in 0..<count { dx[i] += dy[i] * f(source[i]) }
        }
        switch function {
        case .identity: for i in 0..<count { dx[i] += dy[i] }
        case .negative: for i in 0..<count { dx[i] -= dy[i] }
        case .reciprocal: each(y) { -$0 * $0 }
        case .exp: each(y) { $0 }
        case .log: each(x) { 1 / $0 }
        case .squareRoot: each(y) { 0.5 / $0 }
        case .tanh: each(y) { 1 - $0 * $0 }
        case .sigmoid: each(y) { $0 * (1 - $0) }
        case .erf: each(x) { 1.128_379_167_095_512_574 * Number.exp(-$0 * $0) }
        case .absolute: each(x) { $0 > 0 ? 1 : $0 < 0 ? -1 : 0 }
        case .power(let p):
            let p = Number(p)
            each(x) { p * Number.pow($0, p - 1) }
        case .clamped(let low, let high):
            let low = Number(low), high = Number(high)
            each(x) { $0 > low && $0 < high ? 1 : 0 }
        }
    }
}

/// Iterates over the elements of a shape, together with the positions of two operands that are broadcast to it.
struct BroadcastWalk {
    private typealias Axes = (Int, Int, Int, Int)

    /// The extents, from the outermost axis to the innermost.
    private let extents: Axes
    /// The operands' steps along each axis; 0 where they are broadcast.
    private let a, b: Axes

    init(_ whole: Shape, _ a: Shape, _ b: Shape? = nil) {
        let count = whole.dimensions.count
        precondition(count <= 4, "values have up to four axes")
        let all = Array(repeating: 1, count: 4 - count) + whole.dimensions
        func strides(_ shape: Shape) -> Axes {
            let own = TapeValue.padded(shape, 4)
            var steps = [0, 0, 0, 0], step = 1
            for axis in (0..<4).reversed() {
                steps[axis] = own[axis] == 1 ? 0 : step
                step *= own[axis]
            }
            return (steps[0], steps[1], steps[2], steps[3])
        }
        extents = (all[0], all[1], all[2], all[3])
        self.a = strides(a)
        self.b = b.map(strides) ?? (0, 0, 0, 0)
    }

    /// Calls `body` with the offsets in the whole, in `a` and in `b`.
    @inline(__always)
    func run(_ body: (Int, Int, Int) -> Void) {
        var i = 0
        for outer in 0..<extents.0 {
            for row in 0..<extents.1 {
                for column in 0..<extents.2 {
                    let x = outer &* a.0 &+ row &* a.1 &+ column &* a.2
                    let z = outer &* b.0 &+ row &* b.1 &+ column &* b.2
                    if a.3 == 1 && b.3 == 1 {
                        for c in 0..<extents.3 { body(i &+ c, x &+ c, z &+ c) }
                    } else if a.3 == 1 && b.3 == 0 {
                        for c in 0..<extents.3 { body(i &+ c, x &+ c, z) }
                    } else {
                        for c in 0..<extents.3 { body(i &+ c, x &+ c &* a.3, z &+ c &* b.3) }
                    }
                    i &+= extents.3
                }
            }
        }
    }
}
