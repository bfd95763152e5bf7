/// The connected components of the ink in a picture.
package struct InkComponents {
    package struct Component: Sendable {
        /// The box of the pixels above the lower threshold.
        var box: PixelBox
        /// The number of those pixels.
        var area: Int
    }

    package let width: Int
    package let height: Int
    /// For each pixel, 0 or one more than the index of its component: `[height, width]`.
    package private(set) var labels: [Int32]
    package private(set) var components: [Component]

    /// Returns the box of a component.
    package func box(_ index: Int) -> PixelBox { components[index].box }
    /// Returns the number of pixels of a component.
    package func area(_ index: Int) -> Int { components[index].area }

    /// Finds the components by hysteresis thresholding (J. Canny): pixels above `low` that touch along sides or corners
    /// are connected, and a component without a pixel above `high` is discarded.
    package init(_ map: InkMap, low: Float = 0.4, high: Float = 0.6) {
        self.init(ink: map.ink, width: map.width, height: map.height, low: low, high: high)
    }

    package init(ink: [Float], width: Int, height: Int, low: Float, high: Float) {
        self.width = width
        self.height = height
        labels = [Int32](repeating: 0, count: width * height)
        components = []
        var stack: [Int32] = []
        let values = ink.span
        for start in 0..<(width * height) where labels[start] == 0 && values[start] > high {
            let label = Int32(components.count + 1)
            var left = width, right = -1, top = height, bottom = -1, area = 0
            labels[start] = label
            stack.append(Int32(start))
            while let index = stack.popLast() {
                let i = Int(index), y = i / width, x = i - y * width
                area += 1
                (left, right, top, bottom) = (min(left, x), max(right, x), min(top, y), max(bottom, y))
                for v in max(0, y - 1)...min(height - 1, y + 1) {
                    for u in max(0, x - 1)...min(width - 1, x + 1) {
                        let j = v &* width &+ u
                        if labels[j] == 0, values[j] > low {
                            labels[j] = label
                            stack.append(Int32(j))
                        }
                    }
                }
            }
            components.append(
                Component(
                    box: PixelBox(x: left, y: top, width: right + 1 - left, height: bottom + 1 - top), area: area))
        }
    }

    /// Returns the labels extended to soft edges: pixels above `floor` that are connected to a component are assigned
    /// to the one the fewest steps away, lower indices first in case of ties.
    package func grownLabels(_ ink: [Float], floor: Float) -> [Int32] {
        var grown = labels
        var front: [Int32] = []
        for index in labels.indices where labels[index] != 0 { front.append(Int32(index)) }
        let values = ink.span
        while !front.isEmpty {
            var next: [Int32] = []
            for index in front {
                let i = Int(index), y = i / width, x = i - y * width
                for v in max(0, y - 1)...min(height - 1, y + 1) {
                    for u in max(0, x - 1)...min(width - 1, x + 1) {
                        let j = v &* width &+ u
                        // Only downhill, so that no label creeps from one digit up into another.
                        if grown[j] == 0, values[j] > floor, values[j] <= values[i] + 0.05 {
                            grown[j] = grown[i]
                            next.append(Int32(j))
                        }
                    }
                }
            }
            front = next
        }
        return grown
    }
}
