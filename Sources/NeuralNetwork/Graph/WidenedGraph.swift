import Tensors

extension ResolvedGraph {
    /// The same network for images of another width: the same weights, which must fit.
    /// - Throws: an ``InputError`` at `model.layers` where a layer cannot take that width, or has other weights then.
    package func widened(to width: Int) throws(InputError) -> ResolvedGraph {
        guard width != inputShape.width else { return self }
        var other = graph
        other.inputShape = Shape([inputShape.height, width, inputShape.channels])
        let resolved: ResolvedGraph
        do throws(InputError) {
            resolved = try ResolvedGraph(other)
        } catch {
            throw InputError(
                "model.layers", expected: "layers that take lines of \(inputShape.height)×\(width)",
                received: "\(error.place): \(error.received)", remedy: "expected there: \(error.expected)")
        }
        for (mine, its) in zip(parameters, resolved.parameters) where mine.shape != its.shape {
            throw InputError(
                "model.layers", expected: "weights that fit every width",
                received: "\(mine.name) of \(Shape(mine.shape)), and \(Shape(its.shape)) where lines are \(width) wide",
                remedy: "read lines with convolutions and poolings alone")
        }
        return resolved
    }

    /// The same network for each of these widths.
    /// - Throws: as that for one width.
    package func widened(to widths: [Int]) throws(InputError) -> [ResolvedGraph] {
        var graphs: [ResolvedGraph] = []
        for width in widths { graphs.append(try widened(to: width)) }
        return graphs
    }
}
