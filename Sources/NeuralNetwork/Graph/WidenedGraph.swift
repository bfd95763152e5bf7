import Tensors

extension ResolvedGraph {
    /// Returns the same network for images of another width; the same weights must fit.
    /// - Throws: An ``InputError`` at `model.layers` if a layer cannot take that width, or would have other weights.
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

    /// Returns the same network for each of these widths.
    /// - Throws: The same errors as for a single width.
    package func widened(to widths: [Int]) throws(InputError) -> [ResolvedGraph] {
        var graphs: [ResolvedGraph] = []
        for width in widths { graphs.append(try widened(to: width)) }
        return graphs
    }
}
