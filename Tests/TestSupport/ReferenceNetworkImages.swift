import NeuralNetwork
import Tensors

/// Layers that treat channels one by one, or copy pixels, in terms of others.
extension ReferenceNetwork {
    /// The pixels (of one image) that the pixels of an enlarged one are copies of.
    func sources(of shape: [Int], _ layer: UpSampling2D, _ x: [Int]) -> [Int] {
        (0..<shape.reduce(1, *)).map { place in
            let c = place % shape[2], column = place / shape[2] % shape[1], row = place / shape[2] / shape[1]
            return (row / layer.size.height * x[1] + column / layer.size.width) * x[2] + c
        }
    }

    /// Every `step`th number from `first` on.
    private func channel(_ values: [Double], _ first: Int, of step: Int) -> [Double] {
        stride(from: first, to: values.count, by: step).map { values[$0] }
    }

    private func joined(_ channels: [[Double]]) -> [Double] {
        (0..<channels[0].count).flatMap { place in channels.map { $0[place] } }
    }

    /// Every channel convolved alone, as an image of one.
    func apart(
        _ node: ResolvedGraph.Node, _ layer: DepthwiseConv2D, _ x: [Double], _ w: [Double], _ extents: [Int],
        _ count: Int, _ body: (ReferenceConvolution, [Double], [Double], Double?) -> [Double]
    ) -> [Double] {
        let channels = extents[2], one = depthwise(layer, extents, count)
        let bias = node.parameters.dropFirst().first.map { Array(parameters[$0.range]) }
        return joined(
            (0..<channels).map { c in
                body(one, channel(x, c, of: channels), channel(w, c, of: channels), bias?[c])
            })
    }

    func apartGradients(
        _ node: ResolvedGraph.Node, _ layer: DepthwiseConv2D, _ x: [Double], _ dy: [Double], _ extents: [Int],
        _ count: Int
    ) -> (inputs: [[Double]], parameters: [[Double]]) {
        let channels = extents[2], one = depthwise(layer, extents, count)
        let w = Array(parameters[node.parameters[0].range])
        let backs = (0..<channels).map { c in
            one.backward(
                x: channel(x, c, of: channels), w: channel(w, c, of: channels), dy: channel(dy, c, of: channels))
        }
        return ([joined(backs.map(\.dx))], [joined(backs.map(\.dw)), backs.flatMap(\.db)])
    }

    /// Channels `range` of each `step`.
    private func channels(_ values: [Double], _ range: Range<Int>, of step: Int) -> [Double] {
        stride(from: 0, to: values.count, by: step).flatMap { values[$0 + range.lowerBound..<$0 + range.upperBound] }
    }

    /// Parts of as many channels each, side by side.
    private func beside(_ parts: [[Double]], of step: Int) -> [Double] {
        (0..<parts[0].count / step).flatMap { row in parts.flatMap { $0[row * step..<(row + 1) * step] } }
    }

    /// Every group of channels convolved alone.
    func groups(
        _ node: ResolvedGraph.Node, _ layer: GroupedConv2D, _ x: [Double], _ w: [Double], _ extents: [Int], _ count: Int
    ) -> [Double] {
        let one = grouped(layer, extents, count), c = one.channels, f = one.filters
        let bias = node.parameters.dropFirst().first.map { Array(parameters[$0.range]) }
        let parts = (0..<layer.groups).map { g in
            one.forward(
                x: channels(x, g * c..<(g + 1) * c, of: extents[2]),
                w: channels(w, g * f..<(g + 1) * f, of: layer.filters),
                bias: bias.map { Array($0[g * f..<(g + 1) * f]) })
        }
        return beside(parts, of: f)
    }

    func groupGradients(
        _ node: ResolvedGraph.Node, _ layer: GroupedConv2D, _ x: [Double], _ dy: [Double], _ extents: [Int],
        _ count: Int
    ) -> (inputs: [[Double]], parameters: [[Double]]) {
        let one = grouped(layer, extents, count), c = one.channels, f = one.filters
        let w = Array(parameters[node.parameters[0].range])
        let backs = (0..<layer.groups).map { g in
            one.backward(
                x: channels(x, g * c..<(g + 1) * c, of: extents[2]),
                w: channels(w, g * f..<(g + 1) * f, of: layer.filters),
                dy: channels(dy, g * f..<(g + 1) * f, of: layer.filters))
        }
        return ([beside(backs.map(\.dx), of: c)], [beside(backs.map(\.dw), of: f), backs.flatMap(\.db)])
    }

    /// The numbers that are normalised together: of a group's channels over the whole image, or of one pixel's.
    private func regions(_ layer: any RegionNormLayer, _ count: Int, _ extents: [Int]) -> [[Int]] {
        let size = extents.reduce(1, *), channels = extents[extents.count - 1]
        let groups = (layer as? GroupNormalization)?.groups
        var regions: [[Int]: [Int]] = [:]
        for place in 0..<count {
            let image = place / size, pixel = place % size / channels, c = place % channels
            regions[groups.map { [image, c / (channels / $0)] } ?? [image, pixel], default: []].append(place)
        }
        return Array(regions.values)
    }

    func regionNormalized(
        _ node: ResolvedGraph.Node, _ layer: any RegionNormLayer, _ x: [Double], _ extents: [Int]
    ) -> [Double] {
        let gamma = Array(parameters[node.parameters[0].range]), beta = Array(parameters[node.parameters[1].range])
        var y = x
        for region in regions(layer, x.count, extents) {
            let (mean, variance) = Reference.moments(region.map { x[$0] }, columns: 1)
            for i in region {
                let hat = (x[i] - mean[0]) / (variance[0] + Double(layer.epsilon)).squareRoot()
                y[i] = gamma[i % gamma.count] * hat + beta[i % gamma.count]
            }
        }
        return y
    }

    func regionNormGradients(
        _ node: ResolvedGraph.Node, _ layer: any RegionNormLayer, _ x: [Double], _ dy: [Double], _ extents: [Int]
    ) -> (inputs: [[Double]], parameters: [[Double]]) {
        let gamma = Array(parameters[node.parameters[0].range])
        var dx = x, dgamma = [Double](repeating: 0, count: gamma.count), dbeta = dgamma
        for region in regions(layer, x.count, extents) {
            let values = region.map { x[$0] }, (mean, variance) = Reference.moments(values, columns: 1)
            for i in region {
                dgamma[i % gamma.count] += dy[i] * (x[i] - mean[0]) / (variance[0] + Double(layer.epsilon)).squareRoot()
                dbeta[i % gamma.count] += dy[i]
            }
            // A batch-norm of one channel over the region, its γ in the gradient.
            let back = Reference.batchNormGradients(
                x: values, dy: region.map { dy[$0] * gamma[$0 % gamma.count] }, gamma: [1],
                epsilon: Double(layer.epsilon))
            for (place, value) in zip(region, back.dx) { dx[place] = value }
        }
        return ([dx], [dgamma, dbeta])
    }
}
