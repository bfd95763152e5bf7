import Tensors

extension AugmentationOptions {
    /// - Throws: `InputError` naming the first option that is out of its range.
    package func check() throws(InputError) {
        try check(rotation, in: 0...180, "rotation")
        try check(scale, in: 0.1...10, "scale")
        try check(shear, in: 0...2, "shear")
        try check(translation, in: 0...4_096, "translation")
        try check(horizontalFlip, in: 0...1, "horizontalFlip")
        if let elastic {
            try check(elastic.alpha, in: 0...10_000, "elastic.alpha")
            try check(elastic.sigma, in: 0...1_000, "elastic.sigma")
            try check(elastic.probability, in: 0...1, "elastic.probability")
        }
        if let erasing {
            try check(erasing.probability, in: 0...1, "erasing.probability")
            try check(erasing.area, in: 0...1, "erasing.area")
            try check(erasing.aspectRatio, in: 0.01...100, "erasing.aspectRatio")
        }
        for (mixing, name) in [(mixup, "mixup"), (cutmix, "cutmix")] {
            guard let mixing else { continue }
            try check(mixing.alpha, in: Float.leastNormalMagnitude...100, "\(name).alpha")
            try check(mixing.probability, in: 0...1, "\(name).probability")
        }
        let mixed = (mixup?.probability ?? 0) + (cutmix?.probability ?? 0)
        guard mixed <= 1 else {
            throw InputError(
                "augmentation.cutmix.probability", expected: "at most 1 together with mixup.probability",
                received: "\(mixed)")
        }
    }

    private func check(_ value: Float, in range: ClosedRange<Float>, _ name: String) throws(InputError) {
        guard range.contains(value) else {
            throw InputError(
                "augmentation.\(name)", expected: "\(range.lowerBound)...\(range.upperBound)", received: "\(value)")
        }
    }

    private func check(
        _ value: ClosedRange<Float>, in range: ClosedRange<Float>, _ name: String
    ) throws(InputError) {
        try check(value.lowerBound, in: range, name)
        try check(value.upperBound, in: range, name)
    }
}
