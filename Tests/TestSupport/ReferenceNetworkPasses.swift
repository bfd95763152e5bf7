import Foundation
import NeuralNetwork
import Tensors

/// Natural.
package func logarithm(_ x: Double) -> Double { log(x) }

extension ReferenceNetwork {
    private func values(_ tensor: ParameterTensor) -> [Double] { Array(parameters[tensor.range]) }

    private func nonlinearity(_ layer: Layer) -> (Reference.Nonlinearity, Double)? {
        switch layer.kind {
        case is ReLU: (.relu, 0)
        case let layer as LeakyReLU: (.leakyRelu, Double(layer.negativeSlope))
        case let layer as GELU: (layer.approximate == .tanh ? .tanhGelu : .gelu, 0)
        case is Swish: (.swish, 0)
        case is HardSwish: (.hardSwish, 0)
        case is Tanh: (.tanh, 0)
        case is Sigmoid: (.sigmoid, 0)
        default: nil
        }
    }

    /// Cuts or joins channels: `[rows, Σ widths]` and its parts.
    private func part(_ whole: [Double], _ start: Int, _ width: Int, of total: Int) -> [Double] {
        (0..<whole.count / total).flatMap { whole[$0 * total + start..<$0 * total + start + width] }
    }

    /// - Parameter step: nil at inference.
    func forward(_ images: [Double], count: Int, step: Step?) -> Trace {
        let input = Array(images.prefix(count * graph.inputShape.count))
        let shapes = shapes()
        var trace = Trace(shapes: shapes, state: state)
        for (index, node) in graph.nodes.enumerated() {
            let sources = node.inputs.map { $0 < 0 ? input : trace.outputs[$0] }
            let extents = node.inputs.map { $0 < 0 ? graph.inputShape.dimensions : shapes[$0] }
            trace.outputs.append(output(index, node, sources, extents, count, step, &trace))
        }
        return trace
    }

    private func output(
        _ index: Int, _ node: ResolvedGraph.Node, _ sources: [[Double]], _ extents: [[Int]], _ count: Int,
        _ step: Step?, _ trace: inout Trace
    ) -> [Double] {
        let x = sources[0]
        switch node.layer.kind {
        case is Conv2D:
            return convolution(node, extents[0], count).forward(
                x: x, w: values(node.parameters[0]), bias: node.parameters.dropFirst().first.map(values))
        case let layer as DepthwiseConv2D:
            return apart(node, layer, x, values(node.parameters[0]), extents[0], count) { one, x, w, bias in
                one.forward(x: x, w: w, bias: bias.map { [$0] })
            }
        case let layer as GroupedConv2D:
            return groups(node, layer, x, values(node.parameters[0]), extents[0], count)
        case let layer as Conv2DTranspose:
            // The gradient, by the input, of the convolution the other way.
            let g = transposed(layer, extents[0], count)
            let y = g.backward(
                x: [Double](repeating: 0, count: g.inputCount), w: values(node.parameters[0]), dy: x
            ).dx
            let bias = node.parameters.dropFirst().first.map(values)
            return y.indices.map { y[$0] + (bias?[$0 % layer.filters] ?? 0) }
        case is PReLU:
            let slopes = values(node.parameters[0])
            return x.indices.map { x[$0] < 0 ? slopes[$0 % slopes.count] * x[$0] : x[$0] }
        case let layer as any RegionNormLayer:
            return regionNormalized(node, layer, x, extents[0])
        case let layer as UpSampling2D:
            let shape = trace.shapes[index]
            return (0..<count).flatMap { image in
                self.sources(of: shape, layer, extents[0]).map { x[image * extents[0].reduce(1, *) + $0] }
            }
        case is Multiply:
            let b = sources[1], repeats = extents[0].reduce(1, *) / extents[1].reduce(1, *)
            let each = b.count / count
            return x.indices.map { x[$0] * b[$0 / (each * repeats) * each + $0 % each] }
        case let layer as Dense:
            return Reference.dense(
                x: x, w: values(node.parameters[0]), bias: node.parameters.dropFirst().first.map(values), rows: count,
                features: extents[0][0], units: layer.units)
        case let layer as BatchNormalization:
            return normalized(node, x, Double(layer.momentum), Double(layer.epsilon), step, &trace)
        case is any PointwiseLayer:
            guard let (function, slope) = nonlinearity(node.layer) else { return x }
            return x.map { function.value($0, slope: slope) }
        case is Softmax: return Reference.softmax(x, columns: trace.shapes[index].last ?? 1)
        case is MaxPooling2D, is GlobalMaxPooling2D:
            let (y, places) = pooling(node, extents[0], count).maximum(x: x)
            trace.places[index] = places
            return y
        case is AveragePooling2D, is GlobalAveragePooling2D: return pooling(node, extents[0], count).average(x: x)
        case let layer as Dropout:
            let rate = layer.rate
            guard let step, rate > 0 else { return x }
            let each = x.count / count
            let mask = (0..<count).flatMap { sample in
                Reference.dropoutMask(
                    seed: step.seed, step: UInt32(step.number), sample: sample, layer: index, count: each, rate: rate
                ).map { $0 ? 1 / (1 - (Double(rate) * 65_536).rounded() / 65_536) : 0 }
            }
            trace.masks[index] = mask
            return zip(x, mask).map { $0 * $1 }
        case is Flatten: return x
        case is Add: return sources.dropFirst().reduce(x) { sum, next in zip(sum, next).map { $0 + $1 } }
        case is Concatenate:
            let widths = extents.map { $0.last ?? 0 }
            let rows = x.count / widths[0]
            return (0..<rows).flatMap { row in
                sources.indices.flatMap { sources[$0][row * widths[$0]..<(row + 1) * widths[$0]] }
            }
        default: preconditionFailure("the reference has no \(node.layer.type)")
        }
    }

    private func normalized(
        _ node: ResolvedGraph.Node, _ x: [Double], _ momentum: Double, _ epsilon: Double, _ step: Step?,
        _ trace: inout Trace
    ) -> [Double] {
        let columns = node.parameters[0].count, rows = x.count / columns
        let mean = node.state[0].range, variance = node.state[1].range
        var statistics = (mean: Array(state[mean]), variance: Array(state[variance]))
        if step != nil, !node.isFrozen {
            statistics = Reference.moments(x, columns: columns)
            for c in 0..<columns {
                let unbiased = rows > 1 ? statistics.variance[c] * Double(rows) / Double(rows - 1) : 0
                let m = mean.lowerBound + c, v = variance.lowerBound + c
                trace.state[m] += momentum * (statistics.mean[c] - trace.state[m])
                trace.state[v] += momentum * (unbiased - trace.state[v])
            }
        }
        return Reference.normalize(
            x, mean: statistics.mean, variance: statistics.variance, gamma: values(node.parameters[0]),
            beta: values(node.parameters[1]), epsilon: epsilon)
    }

    func backward(_ trace: Trace, _ images: [Double], _ labels: [Int32], _ step: Step) -> [Double] {
        let count = labels.count, last = graph.nodes.count - 1
        let input = Array(images.prefix(count * graph.inputShape.count))
        var parameterGradients = [Double](repeating: 0, count: parameters.count)
        var gradients = trace.outputs.map { [Double](repeating: 0, count: $0.count) }
        gradients[last] = outputGradient(trace, labels, step)
        for index in graph.nodes.indices.reversed() {
            let node = graph.nodes[index]
            let sources = node.inputs.map { $0 < 0 ? input : trace.outputs[$0] }
            let extents = node.inputs.map { $0 < 0 ? graph.inputShape.dimensions : trace.shapes[$0] }
            let back = inputGradients(index, node, gradients[index], sources, extents, count, trace)
            for (tensor, gradient) in zip(node.parameters, back.parameters) {
                parameterGradients.replaceSubrange(tensor.range, with: gradient)
            }
            for (source, gradient) in zip(node.inputs, back.inputs) where source >= 0 {
                for i in gradient.indices { gradients[source][i] += gradient[i] }
            }
        }
        return parameterGradients
    }

    /// Of the mean loss by the last layer's output.
    private func outputGradient(_ trace: Trace, _ labels: [Int32], _ step: Step) -> [Double] {
        let classes = graph.classCount, output = trace.outputs[trace.outputs.count - 1]
        let p = graph.endsInSoftmax ? output : Reference.softmax(output, columns: classes)
        let dp = labels.enumerated().flatMap { image, label in
            Reference.target(label: Int(label), classes: classes, smoothing: step.labelSmoothing).enumerated().map {
                $1 == 0 ? 0 : -$1 / p[image * classes + $0] / Double(labels.count)
            }
        }
        return graph.endsInSoftmax ? dp : Reference.softmaxGradient(p: p, dp: dp, columns: classes)
    }

    private func inputGradients(
        _ index: Int, _ node: ResolvedGraph.Node, _ dy: [Double], _ sources: [[Double]], _ extents: [[Int]],
        _ count: Int, _ trace: Trace
    ) -> (inputs: [[Double]], parameters: [[Double]]) {
        let x = sources[0]
        switch node.layer.kind {
        case is Conv2D:
            let (dx, dw, db) = convolution(node, extents[0], count).backward(
                x: x, w: values(node.parameters[0]), dy: dy)
            return ([dx], [dw, db])
        case let layer as DepthwiseConv2D:
            return apartGradients(node, layer, x, dy, extents[0], count)
        case let layer as GroupedConv2D:
            return groupGradients(node, layer, x, dy, extents[0], count)
        case let layer as Conv2DTranspose:
            let g = transposed(layer, extents[0], count), w = values(node.parameters[0])
            var db = [Double](repeating: 0, count: layer.filters)
            for i in dy.indices { db[i % layer.filters] += dy[i] }
            return ([g.forward(x: dy, w: w)], [g.backward(x: dy, w: w, dy: x).dw, db])
        case is PReLU:
            let slopes = values(node.parameters[0])
            var dalpha = [Double](repeating: 0, count: slopes.count)
            for i in x.indices where x[i] < 0 { dalpha[i % slopes.count] += x[i] * dy[i] }
            return ([x.indices.map { x[$0] <= 0 ? slopes[$0 % slopes.count] * dy[$0] : dy[$0] }], [dalpha])
        case let layer as any RegionNormLayer:
            return regionNormGradients(node, layer, x, dy, extents[0])
        case let layer as UpSampling2D:
            let size = extents[0].reduce(1, *), places = self.sources(of: trace.shapes[index], layer, extents[0])
            var dx = [Double](repeating: 0, count: x.count)
            for i in dy.indices { dx[i / places.count * size + places[i % places.count]] += dy[i] }
            return ([dx], [])
        case is Multiply:
            let b = sources[1], each = b.count / count, size = x.count / count
            var db = [Double](repeating: 0, count: b.count)
            for i in x.indices { db[i / size * each + i % each] += dy[i] * x[i] }
            return ([x.indices.map { dy[$0] * b[$0 / size * each + $0 % each] }, db], [])
        case let layer as Dense:
            let (dx, dw, db) = Reference.denseGradients(
                x: x, w: values(node.parameters[0]), dy: dy, rows: count, features: extents[0][0], units: layer.units)
            return ([dx], [dw, db])
        case let layer as BatchNormalization where node.isFrozen:
            let gamma = values(node.parameters[0]), variance = Array(state[node.state[1].range])
            let factors = zip(gamma, variance).map { $0 / ($1 + Double(layer.epsilon)).squareRoot() }
            return ([dy.indices.map { dy[$0] * factors[$0 % factors.count] }], [])
        case let layer as BatchNormalization:
            let (dx, dgamma, dbeta) = Reference.batchNormGradients(
                x: x, dy: dy, gamma: values(node.parameters[0]), epsilon: Double(layer.epsilon))
            return ([dx], [dgamma, dbeta])
        case is any PointwiseLayer:
            guard let (function, slope) = nonlinearity(node.layer) else { return ([dy], []) }
            return ([zip(dy, x).map { $0 * function.derivative($1, slope: slope) }], [])
        case is Softmax:
            return (
                [
                    Reference.softmaxGradient(
                        p: trace.outputs[index], dp: dy, columns: trace.shapes[index].last ?? 1)
                ], []
            )
        case is MaxPooling2D, is GlobalMaxPooling2D:
            let g = pooling(node, extents[0], count)
            return ([g.maximumGradient(places: trace.places[index] ?? [], dy: dy)], [])
        case is AveragePooling2D, is GlobalAveragePooling2D:
            return ([pooling(node, extents[0], count).averageGradient(dy: dy)], [])
        case is Dropout:
            guard let mask = trace.masks[index] else { return ([dy], []) }
            return ([zip(dy, mask).map { $0 * $1 }], [])
        case is Flatten: return ([dy], [])
        case is Add: return (sources.map { _ in dy }, [])
        case is Concatenate:
            let widths = extents.map { $0.last ?? 0 }
            let total = widths.reduce(0, +)
            var start = 0
            return (
                widths.map { width in
                    defer { start += width }
                    return part(dy, start, width, of: total)
                }, []
            )
        default: preconditionFailure("the reference has no \(node.layer.type)")
        }
    }
}
