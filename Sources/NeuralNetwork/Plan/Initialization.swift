import LinearAlgebra
import Tensors

extension ResolvedGraph {
    /// Returns the initial parameters: kernels from their initializer, biases and β zero, γ one, slopes 0.25. The same
    /// seed gives the same bits; tensor `i` draws from the address (seed, initialization, stream `i`).
    /// - Throws: An ``OperationError`` if LAPACK fails on an orthogonal initializer.
    package func initialParameters(seed: UInt64) throws(OperationError) -> AlignedBuffer<Float> {
        let buffer = AlignedBuffer<Float>(count: parameterCount)
        var stream: UInt32 = 0
        for node in nodes {
            for tensor in node.parameters {
                switch tensor.role {
                case .weight:
                    let initializer = node.layer.kind.initializer ?? graph.initializer
                    var random = RandomStream(
                        RandomAddress(seed: seed, purpose: .initialization, stream: stream))
                    let values = try initializer.values(shape: tensor.shape, random: &random)
                    for (i, value) in values.enumerated() { buffer[tensor.offset + i] = Float(value) }
                case .scale:
                    for i in tensor.range { buffer[i] = 1 }
                case .slope:
                    for i in tensor.range { buffer[i] = 0.25 }
                case .bias, .shift: break
                }
                stream += 1
            }
        }
        return buffer
    }

    /// Returns the initial state: running means of zero and running variances of one.
    package func initialState() -> AlignedBuffer<Float> {
        let buffer = AlignedBuffer<Float>(count: stateCount)
        for tensor in state where tensor.role == .scale {
            for i in tensor.range { buffer[i] = 1 }
        }
        return buffer
    }
}

extension Initializer {
    /// Returns the initial values of a kernel `[…, in, out]`, or `[out]` with one input. `fanIn` is the product of all
    /// extents but the last, `fanOut` that of all but the second to last.
    func values(shape: [Int], random: inout RandomStream) throws(OperationError) -> [Double] {
        let count = shape.reduce(1, *)
        let fanOutUnits = shape[shape.count - 1]
        let fanIn = Double(count / fanOutUnits)
        let fanOut = Double(shape.count > 1 ? count / shape[shape.count - 2] : count)
        switch self {
        case .heNormal: return normal(count, (2 / fanIn).squareRoot(), &random)
        case .heUniform: return uniform(count, (6 / fanIn).squareRoot(), &random)
        case .glorotNormal: return normal(count, (2 / (fanIn + fanOut)).squareRoot(), &random)
        case .glorotUniform: return uniform(count, (6 / (fanIn + fanOut)).squareRoot(), &random)
        case .orthogonal(let gain):
            return try orthogonal(rows: count / fanOutUnits, columns: fanOutUnits, gain: Double(gain), &random)
        }
    }

    private func normal(_ count: Int, _ deviation: Double, _ random: inout RandomStream) -> [Double] {
        var values: [Double] = []
        values.reserveCapacity(count + 1)
        while values.count < count {
            let (a, b) = random.normalPair()
            values.append(a * deviation)
            values.append(b * deviation)
        }
        return Array(values.prefix(count))
    }

    private func uniform(_ count: Int, _ limit: Double, _ random: inout RandomStream) -> [Double] {
        (0..<count).map { _ in limit * (2 * Double(random.nextWord()) * 0x1p-32 - 1) }
    }

    /// Returns a `[rows, columns]` matrix with orthonormal columns (or rows, if it is wider than tall), times `gain`.
    private func orthogonal(
        rows: Int, columns: Int, gain: Double, _ random: inout RandomStream
    ) throws(OperationError) -> [Double] {
        let tall = max(rows, columns), thin = min(rows, columns)
        let matrix = normal(tall * thin, 1, &random)
        guard let q = LAPACK.orthonormalColumns(matrix, rows: tall, columns: thin) else {
            throw OperationError(
                "orthogonal initializer of a \(rows)×\(columns) kernel", problem: "LAPACK's QR factorisation failed",
                remedy: "run `trainer doctor`, or choose another initializer")
        }
        if rows >= columns { return q.map { $0 * gain } }
        return (0..<rows * columns).map { q[($0 % columns) * thin + $0 / columns] * gain }
    }
}
